/** Schemas that several routes share. */
import { type Static, type TSchema, Type } from 'typebox';
import { Check } from 'typebox/value';
import { findUnstorable } from '../annotations/validate.ts';
import { DiptychError } from '../errors.ts';
import { VARIANTS } from '../store/candidates.ts';

export const ErrorAnswer = Type.Object({
  error: Type.Object({ code: Type.String(), message: Type.String() }),
});

export const RunId = Type.Object({ id: Type.String({ format: 'uuid', description: 'Run' }) });

export const VariantQuery = {
  variant: Type.Enum([...VARIANTS], {
    default: 'curated',
    description: 'curated, or base and tuned of an evaluation',
  }),
};

export const Paging = {
  cursor: Type.Optional(Type.String({ description: '`next` of the page before' })),
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'Most entries on a page' }),
};

export const page = (item: TSchema) =>
  Type.Object({
    items: Type.Array(item),
    next: Type.Union([Type.String(), Type.Null()], {
      description: 'Cursor of the next page; null at the end',
    }),
  });

/** Anything the schema does not spell out further. */
export const Anything = Type.Unknown();

/** A cursor is the last entry's key, as base64url of its JSON. */
export const toCursor = (key: unknown): string => Buffer.from(JSON.stringify(key)).toString('base64url');

/** `next` of a page: there may be more behind one that is full. */
export const nextCursor = <T>(
  items: readonly T[],
  limit: number,
  keyOf: (item: T) => unknown,
): string | null => (items.length === limit ? toCursor(keyOf(items.at(-1)!)) : null);

/** The key in a cursor. Throws DIPTYCH_INVALID_INPUT when it is not one that `toCursor` made of such a key. */
export function fromCursor<T extends TSchema>(cursor: string | undefined, key: T): Static<T> | undefined {
  if (cursor === undefined) return undefined;
  const value = parsed(Buffer.from(cursor, 'base64url').toString());
  if (Check(key, value) && !findUnstorable(value)) return value;
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `cursor is "${cursor}"; use the "next" of an earlier page as it came`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

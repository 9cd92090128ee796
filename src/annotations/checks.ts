/** Checks of one value of a record; what is wrong is thrown with the path of its field. */

export interface Problem {
  /** Path of the field, such as "relations[2].item1"; empty when the record as a whole is wrong. */
  field: string;
  reason: string;
}

/** Longest img_id, label, attribute or relation, in characters. */
export const MAX_NAME = 512;
/** Longest caption, URL, prompt or other free text of a known field. */
export const MAX_TEXT = 8192;

export class Invalid extends Error {
  readonly problem: Problem;
  constructor(field: string, reason: string) {
    super(reason);
    this.problem = { field, reason };
  }
}

export function object(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Invalid(field, `is ${quote(value)}, must be an object`);
}

export function array(value: unknown, field: string, most: number): unknown[] {
  if (!Array.isArray(value)) throw new Invalid(field, `is ${quote(value)}, must be an array`);
  if (value.length > most) {
    throw new Invalid(field, `has ${value.length} entries, the most allowed is ${most}`);
  }
  return value;
}

export function text(value: unknown, field: string, most: number, mayBeEmpty = false): void {
  if (typeof value !== 'string') throw new Invalid(field, `is ${quote(value)}, must be a string`);
  if (!mayBeEmpty && value.trim() === '') throw new Invalid(field, 'is empty');
  if (value.length > most) {
    throw new Invalid(field, `has ${value.length} characters, the most allowed is ${most}`);
  }
}

export function integer(value: unknown, field: string): void {
  if (!Number.isSafeInteger(value)) throw new Invalid(field, `is ${quote(value)}, must be a whole number`);
}

/** The wrong value, short enough for a report. */
export function quote(value: unknown): string {
  const json = value === undefined ? 'missing' : JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}

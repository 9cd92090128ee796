/** `diptych keys`: who may use the API. Works on the database itself, so that it needs no key. */
import { parseArgs } from 'node:util';
import { asError, DiptychError } from '../errors.ts';
import {
  createKey,
  type KeyView,
  listKeys,
  ROTATION_HOURS,
  revokeKey,
  rotateKey,
  SCOPES,
  type Scope,
} from '../store/api-keys.ts';
import { openStore, type Store } from '../store/client.ts';
import { openDatabase } from '../store/database.ts';
import { places } from '../store/places.ts';

const USAGE = `npm run diptych -- keys ACTION
  create NAME [--scope ${SCOPES.join('|')}]   a key, shown once; without --scope: read
  list                                   names, scopes, last use
  revoke ID                              ends a key and its sessions at once
  rotate ID                              a new key of the same name and scope; the old one ends in ${ROTATION_HOURS} hours`;

export async function keys(args: readonly string[]): Promise<number> {
  try {
    const act = asked(args);
    const database = await openDatabase({ home: places().home });
    const store = openStore(database.url);
    try {
      for (const line of await act(store)) console.log(line);
    } finally {
      await store.$disconnect();
      await database.stop();
    }
    return 0;
  } catch (thrown) {
    console.error(asError(thrown).message);
    return 1;
  }
}

type Action = (store: Store) => Promise<string[]>;

function asked(args: readonly string[]): Action {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { scope: { type: 'string', default: 'read' } },
  });
  const [action, subject, ...rest] = positionals;
  const scope = values.scope as Scope;
  if (!SCOPES.includes(scope)) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `--scope is "${scope}", must be one of ${SCOPES.join(', ')}`,
    );
  }
  if (rest.length === 0) {
    if (action === 'list' && subject === undefined)
      return async (store) => (await listKeys(store)).map(lineOf);
    if (action === 'create' && subject !== undefined)
      return async (store) => shown(await createKey(store, subject, scope));
    if (action === 'rotate' && subject !== undefined)
      return async (store) => shown(await rotateKey(store, subject));
    if (action === 'revoke' && subject !== undefined) {
      return async (store) => {
        await revokeKey(store, subject);
        return [`${subject} is revoked`];
      };
    }
  }
  throw new DiptychError('DIPTYCH_INVALID_INPUT', USAGE);
}

const shown = ({ id, key }: { id: string; key: string }) => [key, `id ${id}; the key is not shown again`];

function lineOf({ id, name, scope, createdAt, endsAt, lastUsedAt }: KeyView): string {
  const state = endsAt === null ? 'valid' : `${endsAt > new Date() ? 'ends' : 'ended'} ${dayOf(endsAt)}`;
  const used = lastUsedAt === null ? 'never used' : `used ${dayOf(lastUsedAt)}`;
  return `${id}  ${scope.padEnd(5)}  ${state}, ${used}, made ${dayOf(createdAt)}  ${name}`;
}

const dayOf = (date: Date) => `${date.toISOString().slice(0, 16)}Z`;

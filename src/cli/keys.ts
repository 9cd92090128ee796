/** `diptych keys`: who may use the API. Works on the database itself, so that it needs no key. */
import { createKey, type KeyView, listKeys, revokeKey, rotateKey, type Scope } from '../store/api-keys.ts';
import { openStore, type Store } from '../store/client.ts';
import { openDatabase } from '../store/database.ts';
import { places } from '../store/places.ts';
import { type Asked, EXIT } from './command.ts';

type KeyCommand<V = unknown> = (asked: Asked<V>) => Promise<number>;

export const created: KeyCommand<{ scope: string }> = ({ args: [name], values: { scope }, out }) =>
  onStore(async (store) => {
    const { id, key } = await createKey(store, name!, scope as Scope);
    out.result({ id, key }, shown({ id, key }));
  });

export const listed: KeyCommand = ({ out }) =>
  onStore(async (store) => {
    const keys = await listKeys(store);
    out.result(
      keys,
      keys.length > 0 ? keys.map(lineOf).join('\n') : 'no key; `diptych keys create` makes one',
    );
  });

export const revoked: KeyCommand = ({ args: [id], out }) =>
  onStore(async (store) => {
    await revokeKey(store, id!);
    out.result({ id }, `${id} is revoked`);
  });

export const rotated: KeyCommand = ({ args: [old], out }) =>
  onStore(async (store) => {
    const { id, key } = await rotateKey(store, old!);
    out.result({ id, key }, shown({ id, key }));
  });

async function onStore(act: (store: Store) => Promise<void>): Promise<number> {
  const database = await openDatabase({ home: places().home });
  const store = openStore(database.url);
  try {
    await act(store);
    return EXIT.done;
  } finally {
    await store.$disconnect();
    await database.stop();
  }
}

const shown = ({ id, key }: { id: string; key: string }) => `${key}\nid ${id}; the key is not shown again`;

function lineOf({ id, name, scope, createdAt, endsAt, lastUsedAt }: KeyView): string {
  const state = endsAt === null ? 'valid' : `${endsAt > new Date() ? 'ends' : 'ended'} ${dayOf(endsAt)}`;
  const used = lastUsedAt === null ? 'never used' : `used ${dayOf(lastUsedAt)}`;
  return `${id}  ${scope.padEnd(5)}  ${state}, ${used}, made ${dayOf(createdAt)}  ${name}`;
}

const dayOf = (date: Date) => `${date.toISOString().slice(0, 16)}Z`;

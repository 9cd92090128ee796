/**
 * Keys to the HTTP API. Only their sha256 is stored: a key is 256 random bits, which nobody can try out, so the slow
 * hashes made for passwords would add nothing but time to each request.
 */
import { createHash, randomBytes } from 'node:crypto';
import { DiptychError } from '../errors.ts';
import { query, type Store, type Transaction } from './client.ts';

/** Each may do what those before it may. */
export const SCOPES = ['read', 'write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface KeyView {
  id: string;
  name: string;
  scope: Scope;
  createdAt: Date;
  endsAt: Date | null;
  lastUsedAt: Date | null;
}

/** Who asks. */
export interface Caller {
  keyId: string;
  scope: Scope;
}

/** A rotated key stays good for so long, while its users change to the new one. */
export const ROTATION_HOURS = 24;
const SESSION_HOURS = 12;
/** The beginning makes a key easy to find where it should not be, and to hide (secrets.ts). */
const PREFIX = 'diptych_';
const KEY = /^diptych_[\w-]{43}$/;

const newSecret = () => PREFIX + randomBytes(32).toString('base64url');
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex');

export const allows = (scope: Scope, wanted: Scope) => SCOPES.indexOf(scope) >= SCOPES.indexOf(wanted);

/** The key is in no other answer, ever. */
export async function createKey(
  store: Store | Transaction,
  name: string,
  scope: Scope,
): Promise<{ id: string; key: string }> {
  const key = newSecret();
  const { id } = await store.apiKey.create({ data: { name, scope, hash: hashOf(key) } });
  return { id, key };
}

export function listKeys(store: Store): Promise<KeyView[]> {
  return store.apiKey.findMany({ omit: { hash: true }, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
}

/** Ends a key, and the sessions of browsers that signed in with it, now. Throws DIPTYCH_NOT_FOUND. */
export const revokeKey = (store: Store, id: string): Promise<void> => endKey(store, id, 0);

/** A new key of the same name and scope; the old one ends in ROTATION_HOURS. Throws DIPTYCH_NOT_FOUND. */
export function rotateKey(store: Store, id: string): Promise<{ id: string; key: string }> {
  return store.$transaction(async (tx) => {
    await endKey(tx, id, ROTATION_HOURS);
    const { name, scope } = await tx.apiKey.findUniqueOrThrow({ where: { id } });
    return createKey(tx, name, scope);
  });
}

async function endKey(store: Store | Transaction, id: string, hours: number): Promise<void> {
  const changed = await query(
    store,
    `UPDATE api_key SET ends_at = least(ends_at, now() + make_interval(hours => $2))
     WHERE id::text = $1 AND (ends_at IS NULL OR ends_at > now()) RETURNING id`,
    id,
    hours,
  );
  if (changed.length === 0)
    throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no valid key of id "${id}"`);
}

/** Whether the API asks for keys: from the first one on, and for good, so that revoking the last opens nothing. */
export async function keysInForce(store: Store): Promise<boolean> {
  return (await store.apiKey.findFirst({ select: { id: true } })) !== null;
}

/** Whether anyone can get in with a key. */
export async function hasValidKey(store: Store): Promise<boolean> {
  const rows = await query(store, 'SELECT id FROM api_key WHERE ends_at IS NULL OR ends_at > now() LIMIT 1');
  return rows.length > 0;
}

/** Null for anything but a valid key. Notes the use. */
export async function callerOfKey(store: Store, key: string): Promise<Caller | null> {
  if (!KEY.test(key)) return null;
  return callerWhere(store, 'hash = $1 AND (ends_at IS NULL OR ends_at > now())', hashOf(key));
}

/** For a browser that showed a key: the secret of its cookie, and how long it is good for. */
export async function openSession(
  store: Store,
  { keyId }: Caller,
): Promise<{ secret: string; seconds: number }> {
  const secret = newSecret();
  const seconds = SESSION_HOURS * 3600;
  await store.browserSession.deleteMany({ where: { endsAt: { lt: new Date() } } });
  const endsAt = new Date(Date.now() + 1000 * seconds);
  await store.browserSession.create({ data: { hash: hashOf(secret), keyId, endsAt } });
  return { secret, seconds };
}

/** Null unless the session is open and its key valid. Notes the use. */
export async function callerOfSession(store: Store, secret: string): Promise<Caller | null> {
  if (!KEY.test(secret)) return null;
  return callerWhere(
    store,
    `(ends_at IS NULL OR ends_at > now())
     AND id = (SELECT key_id FROM browser_session WHERE hash = $1 AND ends_at > now())`,
    hashOf(secret),
  );
}

export async function closeSession(store: Store, secret: string): Promise<void> {
  await store.browserSession.deleteMany({ where: { hash: hashOf(secret) } });
}

/** Written at most once a minute for each key. */
async function callerWhere(store: Store, condition: string, hash: string): Promise<Caller | null> {
  const [found] = await query<Caller & { stale: boolean }>(
    store,
    `SELECT id::text AS "keyId", scope::text AS scope,
       coalesce(last_used_at < now() - interval '1 minute', true) AS stale FROM api_key WHERE ${condition}`,
    hash,
  );
  if (!found) return null;
  const { stale, ...caller } = found;
  if (stale) await store.apiKey.update({ where: { id: caller.keyId }, data: { lastUsedAt: new Date() } });
  return caller;
}

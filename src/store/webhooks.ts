/** Webhooks, and what is still to be told to them. */
import { randomBytes } from 'node:crypto';
import { DiptychError } from '../errors.ts';
import { query, type Store, type Transaction } from './client.ts';

export interface WebhookView {
  id: string;
  url: string;
  createdAt: Date;
}

export interface DeliveryView {
  id: string;
  tries: number;
  /** Null once it has arrived or was given up. */
  dueAt: Date | null;
  deliveredAt: Date | null;
  error: string | null;
}

export interface DueDelivery {
  id: string;
  url: string;
  secret: string;
  body: string;
  /** With this one. */
  tries: number;
}

/** Over a day and a half: 10 s, 20 s, 40 s, … at most 6 hours apart. */
export const DELIVERY_TRIES = 16;
const WAIT = `least(interval '6 hours', interval '10 seconds' * 2 ^ tries)`;

/** The secret is in no other answer, ever. */
export async function createWebhook(store: Store, url: string): Promise<WebhookView & { secret: string }> {
  const secret = `diptych_${randomBytes(32).toString('base64url')}`;
  return store.webhook.create({ data: { url, secret } });
}

/** In the order of their ids, `limit` after the id `after`. */
export function listWebhooks(store: Store, after: string | undefined, limit: number): Promise<WebhookView[]> {
  return store.webhook.findMany({
    where: after === undefined ? {} : { id: { gt: after } },
    omit: { secret: true },
    orderBy: { id: 'asc' },
    take: limit,
  });
}

/** What waits for it is dropped. Throws DIPTYCH_NOT_FOUND. */
export async function deleteWebhook(store: Store, id: string): Promise<void> {
  const { count } = await store.webhook.deleteMany({ where: { id } });
  if (count === 0) throw notFound(id);
}

/** Newest first, `limit` older than the one with id `before`. Throws DIPTYCH_NOT_FOUND. */
export async function listDeliveries(
  store: Store,
  webhookId: string,
  before: string | undefined,
  limit: number,
): Promise<DeliveryView[]> {
  if (!(await store.webhook.findUnique({ where: { id: webhookId } }))) throw notFound(webhookId);
  const rows = await store.webhookDelivery.findMany({
    where: { webhookId, ...(before === undefined ? {} : { id: { lt: BigInt(before) } }) },
    omit: { webhookId: true, body: true },
    orderBy: { id: 'desc' },
    take: limit,
  });
  return rows.map((row) => ({ ...row, id: String(row.id) }));
}

/** Inside the transaction in which a run ends, so that no end is lost and none is told that did not happen. */
export async function tellWebhooks(tx: Store | Transaction, runId: string): Promise<void> {
  await query(
    tx,
    `INSERT INTO webhook_delivery (webhook_id, body)
     SELECT w.id, jsonb_build_object('type', 'run-' || r.status, 'run', r.id, 'kind', r.kind, 'status', r.status,
         'annotationSet', s.name, 'error', r.error, 'finishedAt', r.finished_at)::text
     FROM webhook w, run r JOIN annotation_set s ON s.id = r.set_id WHERE r.id = $1::uuid RETURNING id`,
    runId,
  );
}

/**
 * Takes a delivery that is due, and puts its next try where it belongs should this one fail or its process die. Two
 * processes never take the same.
 */
export async function takeDelivery(store: Store): Promise<DueDelivery | null> {
  const [taken] = await query<DueDelivery>(
    store,
    `UPDATE webhook_delivery d SET tries = tries + 1,
       due_at = CASE WHEN tries + 1 < ${DELIVERY_TRIES} THEN now() + ${WAIT} END,
       error = 'no answer yet'
     FROM webhook w
     WHERE w.id = d.webhook_id AND d.id = (
       SELECT id FROM webhook_delivery WHERE due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING d.id::text AS id, w.url, w.secret, d.body, d.tries`,
  );
  return taken ?? null;
}

/** Of the try with this number alone: a process that was thought dead must not undo a later one. */
export async function settleDelivery(
  store: Store,
  { id, tries }: Pick<DueDelivery, 'id' | 'tries'>,
  error: string | null,
): Promise<void> {
  await query(
    store,
    error === null
      ? `UPDATE webhook_delivery SET delivered_at = now(), due_at = NULL, error = $3
         WHERE id = $1::bigint AND tries = $2 RETURNING id`
      : `UPDATE webhook_delivery SET error = $3
         WHERE id = $1::bigint AND tries = $2 AND delivered_at IS NULL RETURNING id`,
    BigInt(id),
    tries,
    error,
  );
}

const notFound = (id: string) => new DiptychError('DIPTYCH_NOT_FOUND', `there is no webhook ${id}`);

/**
 * Leases, delays and the queue's own chores all go by the database's clock. Where that was set back, moments that were
 * written before lie in its future, and all of it would wait until the clock is there again.
 */
import { asError } from '../errors.ts';
import { log } from '../log.ts';
import { query, type Store } from '../store/client.ts';
import { RETRY_DELAY_MAX } from './queue.ts';

const WATCH_MS = 5000;

/** Brings moments that lie further ahead than any delay back to now; how many jobs and queues had some. */
export async function forgetFuture(store: Store): Promise<number> {
  const ahead = `now() + interval '${RETRY_DELAY_MAX + 1} s'`;
  const jobs = await query(
    store,
    `UPDATE pgboss.job SET start_after = least(start_after, now()), heartbeat_on = least(heartbeat_on, now())
     WHERE state < 'completed' AND (start_after > ${ahead} OR heartbeat_on > ${ahead}) RETURNING id`,
  );
  const queues = await query(
    store,
    `UPDATE pgboss.queue SET monitor_claim_on = least(monitor_claim_on, now()), monitor_on = least(monitor_on, now()),
       maintain_on = least(maintain_on, now())
     WHERE greatest(monitor_claim_on, monitor_on, maintain_on) > ${ahead} RETURNING name`,
  );
  return jobs.length + queues.length;
}

/** Does it again and again; returns how to stop. */
export function watchClock(store: Store): () => void {
  const timer = setInterval(() => {
    forgetFuture(store).then(
      (count) => count > 0 && log.warn({ count }, "the database's clock was set back"),
      (thrown) => log.warn({ err: asError(thrown) }, "the database's clock could not be watched"),
    );
  }, WATCH_MS);
  return () => clearInterval(timer);
}

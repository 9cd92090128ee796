/**
 * Tells webhooks of runs that have ended: one POST after another, each signed, until it is answered with 2xx. What is
 * still to be told stands in the database, so a kill delays it and loses nothing; a webhook may hear the same end
 * twice, and knows it by `diptych-delivery`.
 */
import { createHmac } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Dispatcher, fetch } from 'undici';
import { asError } from '../errors.ts';
import { log } from '../log.ts';
import { publicOnly } from '../remote/public-only.ts';
import type { Store } from '../store/client.ts';
import { type DueDelivery, settleDelivery, takeDelivery } from '../store/webhooks.ts';

const POLL_MS = 1000;
const TIMEOUT_MS = 15_000;

export interface WebhookDelivery {
  stop(): Promise<void>;
}

/** `t=SECONDS,v1=HEX`: HMAC-SHA256 with the webhook's secret over "SECONDS.BODY". */
export function signature(secret: string, body: string, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

export function deliverWebhooks(store: Store, dispatcher: Dispatcher = publicOnly()): WebhookDelivery {
  const stopping = new AbortController();
  const work = (async () => {
    while (!stopping.signal.aborted) {
      const delivery = await takeDelivery(store).catch((thrown) => {
        log.warn({ err: asError(thrown) }, 'deliveries could not be read');
        return null;
      });
      if (delivery) await deliver(store, delivery, dispatcher);
      else await wait(POLL_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await work;
      await dispatcher.close();
    },
  };
}

async function deliver(store: Store, delivery: DueDelivery, dispatcher: Dispatcher): Promise<void> {
  const error = await send(delivery, dispatcher);
  const facts = { delivery: delivery.id, tries: delivery.tries };
  if (error === null) log.info(facts, 'webhook told');
  else log.warn({ ...facts, error }, 'webhook could not be told');
  await settleDelivery(store, delivery, error).catch((thrown) =>
    log.warn({ ...facts, err: asError(thrown) }, 'what became of a delivery could not be noted'),
  );
}

/** Null when it arrived, else why it didn't. */
async function send({ id, url, secret, body }: DueDelivery, dispatcher: Dispatcher): Promise<string | null> {
  try {
    const response = await fetch(url, {
      dispatcher,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'diptych-delivery': id,
        'diptych-signature': signature(secret, body, Math.floor(Date.now() / 1000)),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    // What it says is of no interest, however long it is.
    await response.body?.cancel();
    return response.ok ? null : `status ${response.status}`;
  } catch (thrown) {
    const { message, cause } = asError(thrown);
    return cause instanceof Error ? cause.message : message;
  }
}

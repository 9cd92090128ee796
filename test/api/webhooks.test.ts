/** Webhooks: the end of each run is told once signed, never lost, never to private addresses. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { deliverWebhooks } from '../../src/api/deliver-webhooks.ts';
import { cancelRun } from '../../src/jobs/runs.ts';
import { settleDelivery, takeDelivery } from '../../src/store/webhooks.ts';
import { execute } from '../database.ts';
import { newRun } from '../jobs/plans.ts';
import { until } from '../wait.ts';
import { useApp } from './app.ts';

const { store, boss, send, url: databaseUrl } = await useApp();

interface Received {
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** A server that answers with these statuses, one after another, then 200. */
async function receiver(t: TestContext, ...statuses: number[]) {
  const received: Received[] = [];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push({ headers: request.headers, body });
    response.writeHead(statuses.shift() ?? 200, { location: 'http://127.0.0.1:1/' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

/** With one webhook and the deliverer at work; `allow`: private addresses too. */
async function setUp(t: TestContext, url: string, allow = true) {
  await execute(databaseUrl, 'DELETE FROM webhook');
  const { status, body } = await send('POST', '/v1/webhooks', { url });
  assert.equal(status, 201);
  if (allow) process.env.DIPTYCH_PRIVATE_ADDRESSES = 'allow';
  const deliverer = deliverWebhooks(store);
  t.after(async () => {
    delete process.env.DIPTYCH_PRIVATE_ADDRESSES;
    await deliverer.stop();
  });
  const deliveries = async () => (await send('GET', `/v1/webhooks/${body.id}/deliveries`)).body.items;
  return { secret: body.secret as string, deliveries };
}
const dueNow = () =>
  execute(databaseUrl, 'UPDATE webhook_delivery SET due_at = now() WHERE due_at IS NOT NULL');

test('the end of a run is told with a signature that its secret proves', async (t) => {
  const { url, received } = await receiver(t);
  const { secret, deliveries } = await setUp(t, url);
  const run = await newRun(store, boss);
  await cancelRun(store, run);
  await until('it has been told', async () => (await deliveries())[0]?.deliveredAt);
  assert.equal(received.length, 1);
  const [{ headers, body }] = received as [Received];
  const told = JSON.parse(body);
  assert.deepEqual([told.type, told.run, told.status], ['run-cancelled', run, 'cancelled']);
  const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['diptych-signature']))!;
  assert.equal(mac, createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex'));
  assert.ok(Math.abs(Date.now() / 1000 - Number(seconds)) < 60);
});

test('what fails is tried again with the same bytes, and a redirect is no success', async (t) => {
  const { url, received } = await receiver(t, 500, 302);
  const { deliveries } = await setUp(t, url);
  await cancelRun(store, await newRun(store, boss));
  for (const [tries, error] of [
    [1, 'status 500'],
    [2, 'status 302'],
  ] as const) {
    await until(`try ${tries} has failed`, async () => (await deliveries())[0]?.error === error);
    const [delivery] = await deliveries();
    assert.deepEqual([delivery!.tries, delivery!.deliveredAt], [tries, null]);
    assert.ok(new Date(delivery!.dueAt as string) > new Date());
    await dueNow();
  }
  await until('it has been told', async () => (await deliveries())[0]?.deliveredAt);
  assert.equal(new Set(received.map(({ body }) => body)).size, 1);
  assert.equal(new Set(received.map(({ headers }) => headers['diptych-delivery'])).size, 1);
});

test('a private address is not even connected to', async (t) => {
  const { url, received } = await receiver(t);
  const { deliveries } = await setUp(t, url, false);
  await cancelRun(store, await newRun(store, boss));
  await until('it is refused', async () =>
    /not a public address/.test(String((await deliveries())[0]?.error)),
  );
  assert.equal(received.length, 0);
});

test('a deliverer that died leaves its try to another, and can undo nothing when it wakes', async (t) => {
  const { url } = await receiver(t);
  await execute(databaseUrl, 'DELETE FROM webhook');
  const { id } = (await send('POST', '/v1/webhooks', { url })).body;
  await cancelRun(store, await newRun(store, boss));
  const dead = await takeDelivery(store);
  assert.ok(dead);
  assert.equal(await takeDelivery(store), null);
  await dueNow();
  const second = await takeDelivery(store);
  assert.deepEqual([second!.id, second!.tries, second!.body], [dead.id, 2, dead.body]);
  await settleDelivery(store, second!, null);
  await settleDelivery(store, dead, 'late');
  const [delivery] = (await send('GET', `/v1/webhooks/${id}/deliveries`)).body.items;
  assert.ok(delivery!.deliveredAt);
  assert.equal(delivery!.error, null);
  assert.equal(await takeDelivery(store), null);
});

test('a run that does not end in the end tells nobody', async (t) => {
  const { url } = await receiver(t);
  await execute(databaseUrl, 'DELETE FROM webhook');
  await send('POST', '/v1/webhooks', { url });
  const run = await newRun(store, boss);
  await cancelRun(store, run);
  await assert.rejects(cancelRun(store, run), { code: 'DIPTYCH_CONFLICT' });
  assert.deepEqual(await execute(databaseUrl, 'SELECT count(*)::int AS n FROM webhook_delivery'), [{ n: 1 }]);
});

test('secrets are shown once; what is no web address is refused; what is not there is 404', async () => {
  for (const url of ['ftp://x.test', 'nonsense', 'https://user:word@x.test', 'file:///etc/passwd'])
    assert.equal((await send('POST', '/v1/webhooks', { url })).body.error.code, 'DIPTYCH_INVALID_INPUT');
  const { body } = await send('POST', '/v1/webhooks', { url: 'https://x.test/a' });
  const listed = (await send('GET', '/v1/webhooks')).body.items.find(({ id }) => id === body.id)!;
  assert.deepEqual(Object.keys(listed).sort(), ['createdAt', 'id', 'url']);
  assert.equal((await send('DELETE', `/v1/webhooks/${body.id}`)).status, 204);
  assert.equal((await send('DELETE', `/v1/webhooks/${body.id}`)).status, 404);
  assert.equal((await send('GET', `/v1/webhooks/${body.id}/deliveries`)).status, 404);
});

/** Tries, waits, limits and failures of requests, over real HTTP. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Auth, type HttpOptions, openHttp, RemoteFailure } from '../../src/remote/http.ts';
import { until } from '../wait.ts';
import { NOON, testClock } from './clock.ts';
import { type Fault, standIn } from './stand-ins.ts';

const FINE = { fine: true };

async function setUp(t: TestContext, given: Partial<HttpOptions> = {}) {
  const server = await standIn(t, () => ({ body: FINE }));
  const clock = testClock();
  const http = openHttp({
    concurrency: 4,
    timeoutMs: 10_000,
    tries: 5,
    maxBytes: 5000,
    clock,
    own: server.url,
    ...given,
  });
  const post = (signal?: AbortSignal) => http.postJson(`${server.url}/do?key=hidden`, { a: 1 }, signal);
  return { server, clock, http, post };
}

const status = (code: number, body: unknown = 'busy', headers = {}): Fault => ({
  status: code,
  body,
  headers,
});

test('a request carries JSON and the key', async (t) => {
  const { server, post } = await setUp(t, { auth: { bearer: 'sk-1' } });
  assert.deepEqual(await post(), FINE);
  const [request] = server.received;
  assert.deepEqual(request!.body, { a: 1 });
  assert.equal(request!.headers['content-type'], 'application/json');
  assert.equal(request!.headers.authorization, 'Bearer sk-1');
});

const passing: [what: string, fault: Fault][] = [
  ...[408, 425, 429, 500, 502, 503, 504].map((code): [string, Fault] => [`status ${code}`, status(code)]),
  ['an answer that breaks off', 'cut off'],
  ['half a JSON value', { body: '{"fine":' }],
  ['no JSON at all', { body: '<html>starting</html>' }],
];
for (const [what, fault] of passing) {
  test(`${what} is tried again`, async (t) => {
    const { server, clock, post } = await setUp(t);
    server.faults.push(fault, fault);
    assert.deepEqual(await post(), FINE);
    assert.equal(server.received.length, 3);
    assert.deepEqual(clock.waits, [1000, 2000]);
  });
}

test('a server that does not answer in time is tried again', async (t) => {
  const { server, post } = await setUp(t, { timeoutMs: 1000 });
  server.faults.push('silence');
  assert.deepEqual(await post(), FINE);
  assert.equal(server.received.length, 2);
});

test('waits double up to a minute and fall anywhere below that', async (t) => {
  const clock = testClock(0.25);
  const { server, post } = await setUp(t, { clock, tries: 9 });
  server.faults.push(...Array.from({ length: 8 }, () => status(500)));
  assert.deepEqual(await post(), FINE);
  assert.deepEqual(
    clock.waits,
    [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => 250 * seconds),
  );
});

test('Retry-After is honoured, in seconds and as a date', async (t) => {
  const { server, clock, post } = await setUp(t);
  const at = new Date(NOON + 30_000).toUTCString();
  const past = new Date(NOON - 30_000).toUTCString();
  for (const asked of ['7', at, past]) server.faults.push(status(429, '', { 'retry-after': asked }));
  assert.deepEqual(await post(), FINE);
  assert.deepEqual(clock.waits, [7000, 30_000, 4000]);
});

test('a server that wants to be left alone for too long is given up at once', async (t) => {
  const { server, clock, post } = await setUp(t);
  server.faults.push(status(429, 'later', { 'retry-after': '3600' }));
  await assert.rejects(post(), {
    code: 'DIPTYCH_ITEM_FAILED',
    message: `POST ${server.url}/do failed with status 429, asking for 3600 s of rest: "later"; lower the concurrency, or see what the account may still use`,
  });
  assert.deepEqual([server.received.length, clock.waits], [1, []]);
});

test('after the last try the failure tells URL without query, tries, status and the answer in short', async (t) => {
  const { server, clock, post } = await setUp(t, { tries: 3 });
  server.faults.push(...Array.from({ length: 3 }, () => status(503, `overloaded ${'x'.repeat(1000)}`)));
  await assert.rejects(post(), (error: RemoteFailure) => {
    assert.ok(error instanceof RemoteFailure);
    assert.equal(error.code, 'DIPTYCH_ITEM_FAILED');
    assert.equal(error.answerStatus, 503);
    const quoted = `overloaded ${'x'.repeat(189)}`;
    assert.equal(
      error.message,
      `POST ${server.url}/do failed 3 times, at last with status 503: "${quoted}"; see the server's log`,
    );
    return true;
  });
  assert.deepEqual([server.received.length, clock.waits.length], [3, 2]);
});

const final: [code: number, advice: RegExp][] = [
  [302, /check the run's settings/],
  [400, /check the run's settings/],
  [401, /check the credentials/],
  [403, /check the credentials/],
  [404, /check the URL, and the names/],
  [422, /check the run's settings/],
];
for (const [code, advice] of final) {
  test(`status ${code} is not tried again`, async (t) => {
    const { server, post } = await setUp(t);
    server.faults.push(status(code, 'no', { location: '/elsewhere' }));
    await assert.rejects(post(), (error: Error) => {
      assert.match(error.message, new RegExp(`failed with status ${code}: "no"`));
      assert.match(error.message, advice);
      return true;
    });
    assert.equal(server.received.length, 1);
  });
}

test('an answer that is too large is given up at once, whether it says its length or not', async (t) => {
  const { server, http, post } = await setUp(t);
  const large: Fault = { body: 'x'.repeat(5001) };
  server.faults.push(large, { ...large, headers: { 'transfer-encoding': 'chunked' } }, large);
  await assert.rejects(post(), /failed with an answer of more than 5000 bytes; /);
  await assert.rejects(post(), /failed with an answer of more than 5000 bytes; /);
  await assert.rejects(http.getBytes(`${server.url}/image`), /an answer of more than 5000 bytes/);
  assert.equal(server.received.length, 3);
});

test('a port where nobody listens is named with its reason', async (t) => {
  const clock = testClock();
  const { http, server } = await setUp(t, { tries: 2, clock });
  const free = await standIn({ after: (clean) => void closed.push(clean) }, () => ({ body: FINE }));
  for (const close of closed) await close();
  await assert.rejects(http.postJson(`${free.url}/x`, {}), {
    code: 'DIPTYCH_ITEM_FAILED',
    message: `POST ${free.url}/x failed 2 times, at last with connect ECONNREFUSED ${new URL(free.url).host}; see whether the server runs and is fast enough for the timeout`,
  });
  assert.equal(server.received.length, 0);
});
const closed: (() => Promise<void>)[] = [];

const keys: [Auth, secrets: string[]][] = [
  [{ bearer: 'sk-very-secret' }, ['sk-very-secret']],
  [{ bearer: 'sk-from-a-file\n' }, ['sk-from-a-file']],
  [{ basic: 'ann:pass "word"' }, ['pass "word"', Buffer.from('ann:pass "word"').toString('base64')]],
];
for (const [auth, secrets] of keys) {
  test(`credentials (${JSON.stringify(auth)}) never come out, though the server repeats them`, async (t) => {
    const { server, post } = await setUp(t, { auth, tries: 1 });
    server.faults.push(status(500, { sent: secrets }));
    await assert.rejects(post(), (error: RemoteFailure) => {
      assert.ok(error.answer.startsWith('{"sent":["***"'), error.answer);
      const escaped = secrets.map((secret) => JSON.stringify(secret).slice(1, -1));
      for (const secret of [...secrets, ...escaped, 'hidden']) {
        for (const shown of [error.message, error.answer, error.stack!, JSON.stringify(error)]) {
          assert.ok(!shown.includes(secret), shown);
        }
        assert.equal(error.cause, undefined);
      }
      return true;
    });
  });
}

test('a key that no header can carry does not come out either', async (t) => {
  const { post } = await setUp(t, { auth: { bearer: 'sk-two\nlines' }, tries: 1 });
  await assert.rejects(post(), (error: Error) => !error.message.includes('sk-two'));
});

test('a download carries no credentials', async (t) => {
  const { server, http } = await setUp(t, { auth: { bearer: 'sk-1' } });
  assert.equal((await http.getBytes(`${server.url}/image`)).toString(), JSON.stringify(FINE));
  assert.equal(server.received[0]!.headers.authorization, undefined);
});

test('never more requests at once than allowed, and as many as that', async (t) => {
  const { server, post } = await setUp(t, { concurrency: 3 });
  const release = server.hold();
  const all = Promise.all(Array.from({ length: 12 }, () => post()));
  await until('three are on their way', () => server.inFlight === 3);
  release();
  assert.equal((await all).length, 12);
  assert.equal(server.mostAtOnce, 3);
});

test('giving up ends a request, a wait for the next try and a wait in the queue, with the given reason', async (t) => {
  const stop = new AbortController();
  const reason = new Error('enough');
  const waiting = Promise.withResolvers<void>();
  const clock = {
    ...testClock(),
    wait(_ms: number, signal?: AbortSignal) {
      waiting.resolve();
      return new Promise<void>((_, reject) =>
        signal!.addEventListener('abort', () => reject(signal!.reason)),
      );
    },
  };
  const { server, post } = await setUp(t, { concurrency: 2, clock });
  server.faults.push('silence', status(500));
  const calls = [post(stop.signal), post(stop.signal), post(stop.signal)];
  await waiting.promise;
  await until('both have arrived', () => server.received.length === 2);
  stop.abort(reason);
  for (const call of calls) await assert.rejects(call, (thrown) => thrown === reason);
  assert.equal(server.received.length, 2);
});

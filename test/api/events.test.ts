import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appendEvent, readEvents } from '../../src/jobs/events.ts';
import { cancelRun } from '../../src/jobs/runs.ts';
import { newRun } from '../jobs/plans.ts';
import { useApp } from './app.ts';

const { store, boss, app, listen } = await useApp();
const base = await listen();

interface Message {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

/** Reads server-sent events until the stream ends, or as many as asked for. */
async function* messages(response: Response): AsyncGenerator<Message> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    const parts = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
    text = parts.pop()!;
    for (const part of parts) {
      const fields = part.split('\n').map((line) => /^(id|event|data): (.*)$/.exec(line)!.slice(1));
      const { id, event, data } = Object.fromEntries(fields) as Record<keyof Message, string>;
      yield { id, event, data: JSON.parse(data) };
    }
  }
  assert.equal(text, '');
}

const open = (id: string, headers: Record<string, string> = {}) =>
  fetch(`${base}/v1/runs/${id}/events`, { headers });

test('the log is streamed from the start, goes on as things happen, and ends with the run', async () => {
  const id = await newRun(store, boss);
  const response = await open(id);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  assert.equal(response.headers.get('cache-control'), 'no-cache');
  const seen: Message[] = [];
  for await (const message of messages(response)) {
    seen.push(message);
    if (seen.length === 2)
      await appendEvent(store, id, 'task-retried', { stage: 'first', attempt: 1, error: 'x' });
    if (seen.length === 3) await cancelRun(store, id);
  }
  assert.deepEqual(
    seen.map(({ event }) => event),
    ['run-created', 'stage-started', 'task-retried', 'run-cancelled'],
  );
  const { at, ...data } = seen[2]!.data;
  assert.deepEqual(data, { stage: 'first', attempt: 1, error: 'x' });
  assert.ok(!Number.isNaN(Date.parse(String(at))));
  const stored = await readEvents(store, id, '0', 100);
  assert.deepEqual(
    seen.map((message) => message.id),
    stored.map((event) => event.id),
  );
});

test('a client that comes back with Last-Event-ID gets what it has not seen, and nothing twice', async () => {
  const id = await newRun(store, boss);
  await cancelRun(store, id);
  const all = await Array.fromAsync(messages(await open(id)));
  assert.equal(all.length, 3);
  const rest = await Array.fromAsync(messages(await open(id, { 'last-event-id': all[0]!.id })));
  assert.deepEqual(rest, all.slice(1));
  assert.deepEqual(await Array.fromAsync(messages(await open(id, { 'last-event-id': all[2]!.id }))), []);
});

test('more events than are read at once come in order, once each', async () => {
  const id = await newRun(store, boss);
  const data = Array.from({ length: 450 }, (_, i) => ({
    runId: id,
    type: 'train-progress',
    data: { step: i },
  }));
  await store.event.createMany({ data });
  await cancelRun(store, id);
  const steps = (await Array.fromAsync(messages(await open(id))))
    .filter(({ event }) => event === 'train-progress')
    .map((message) => message.data.step);
  assert.deepEqual(
    steps,
    data.map((event) => event.data.step),
  );
});

test('a Last-Event-ID that is none is refused with its value, an unknown run is not found', async () => {
  const id = await newRun(store, boss);
  for (const wrong of ['abc', '-1', '9'.repeat(30)]) {
    const answer = await app.inject({ url: `/v1/runs/${id}/events`, headers: { 'last-event-id': wrong } });
    assert.equal(answer.statusCode, 400);
    assert.match(answer.json().error.message, new RegExp(`^Last-Event-ID is "${wrong}"`));
  }
  const unknown = '00000000-0000-4000-8000-000000000000';
  assert.equal((await app.inject({ url: `/v1/runs/${unknown}/events` })).statusCode, 404);
  await cancelRun(store, id);
});

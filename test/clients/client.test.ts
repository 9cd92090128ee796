/** Watching a run over HTTP, with an API that dies and comes back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openClient, type Run } from '../../clients/typescript/client.ts';

const view = (status: Run['status'], fraction: number) => ({ id: 'r', status, stages: [{ fraction }] });

/** Answers every request with the next of the bodies, on a port that stays the same. */
async function serve(port: number, bodies: { status?: number; body: unknown }[]) {
  const server = http.createServer((_request, response) => {
    const { status = 200, body } = bodies.length > 1 ? bodies.shift()! : bodies[0]!;
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(body));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => once(server.close(), 'close') };
}

test('a run is watched to its end, through a restart of the API', async () => {
  const first = await serve(0, [{ body: view('running', 0.25) }]);
  const seen: unknown[] = [];
  let back: Awaited<ReturnType<typeof serve>> | undefined;
  const watched = openClient(`http://127.0.0.1:${first.port}`).watchRun('r', (run) => {
    seen.push([run.status, run.stages[0]!.fraction]);
    if (seen.length > 1) return;
    void first.close().then(async () => {
      back = await serve(first.port, [{ body: view('running', 0.5) }, { body: view('succeeded', 1) }]);
    });
  });
  assert.equal((await watched).status, 'succeeded');
  assert.deepEqual(seen, [
    ['running', 0.25],
    ['running', 0.5],
    ['succeeded', 1],
  ]);
  await back!.close();
});

test('what the API itself refuses ends the watch with its code and message', async () => {
  const error = { code: 'DIPTYCH_NOT_FOUND', message: 'there is no run r' };
  const server = await serve(0, [{ status: 404, body: { error } }]);
  await assert.rejects(
    openClient(`http://127.0.0.1:${server.port}`).watchRun('r', () => {}),
    { code: 'DIPTYCH_NOT_FOUND', status: 404, message: 'there is no run r' },
  );
  await server.close();
});

test('a log is read to its end through lost connections, each event once', async () => {
  const asked: (string | undefined)[] = [];
  const event = (id: number) => `id: ${id}\nevent: stage-started\ndata: {"at":"t","stage":"s${id}"}\n\n`;
  // Cut within an event, ended by a service that stops, and whole.
  const answers = [`${event(1)}${event(2)}id: 3\nevent: st`, event(3), event(4)];
  const server = http.createServer((request, response) => {
    if (!request.url!.endsWith('/events')) {
      response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
      return response.end(JSON.stringify(view(asked.length < 3 ? 'running' : 'succeeded', 1)));
    }
    asked.push(request.headers['last-event-id'] as string);
    const part = answers[asked.length - 1]!;
    response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
    response.write(part, () => (part.endsWith('\n\n') ? response.end() : response.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const events = await Array.fromAsync(openClient(`http://127.0.0.1:${port}`).events('r'));
  assert.deepEqual(asked, ['0', '2', '3']);
  assert.deepEqual(
    events.map(({ id, type, at, stage }) => [id, type, at, stage]),
    [1, 2, 3, 4].map((id) => [String(id), 'stage-started', 't', `s${id}`]),
  );
  await once(server.close(), 'close');
});

test('where nobody answers it is asked again for as long as it was told', async () => {
  const gone = await serve(0, [{ body: {} }]);
  await gone.close();
  const url = `http://127.0.0.1:${gone.port}`;
  const refusal = { code: 'NO_ANSWER', status: 0 };
  await assert.rejects(openClient(url, { patienceMs: 600 }).watchRun('r'), refusal);
  await assert.rejects(openClient(url).getRun('r'), refusal);
});

test('a list is read page by page, with the key', async () => {
  const asked: [string, string | undefined][] = [];
  const server = http.createServer((request, response) => {
    asked.push([request.url!, request.headers.authorization]);
    const isLast = request.url!.includes('cursor=b');
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify({ items: [{ id: isLast ? 2 : 1 }], next: isLast ? null : 'b' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const runs = await Array.fromAsync(openClient(`http://127.0.0.1:${port}/`, { key: 'k' }).runs());
  assert.deepEqual(
    runs.map(({ id }) => id),
    [1, 2],
  );
  assert.deepEqual(asked, [
    ['/v1/runs?limit=500', 'Bearer k'],
    ['/v1/runs?limit=500&cursor=b', 'Bearer k'],
  ]);
  await once(server.close(), 'close');
});

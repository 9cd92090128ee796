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

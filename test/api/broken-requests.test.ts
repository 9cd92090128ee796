/** Requests that are broken before a route sees them are answered with a code like the others. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { toCursor } from '../../src/api/schemas.ts';
import { useApp } from './app.ts';

const { send, listen } = await useApp();

test('a URL that can not be decoded, an id in another notation, a cursor that no database takes', async () => {
  for (const url of [
    '/v1/annotation-sets/%E0%A4%A/annotations',
    '/v1/runs/urn:uuid:00000000-0000-4000-8000-000000000000',
    `/v1/annotation-sets?cursor=${toCursor('a\u0000b')}`,
    '/v1/annotation-sets?cursor=%00',
  ]) {
    const { status, body } = await send('GET', url);
    assert.deepEqual([status, body.error.code], [400, 'DIPTYCH_INVALID_INPUT'], url);
  }
});

test('what is no HTTP', async () => {
  const { port } = new URL(await listen());
  const socket = net.connect(Number(port), '127.0.0.1', () => socket.write('NONSENSE\r\n\r\n'));
  let said = '';
  for await (const chunk of socket) said += chunk;
  assert.match(said, /^HTTP\/1\.1 400 /);
  assert.equal(JSON.parse(said.split('\r\n\r\n')[1]!).error.code, 'DIPTYCH_INVALID_INPUT');
});

/** An AUTOMATIC1111 that draws nothing and takes a fixed time for it, however many ask. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodePng } from '../../src/engine/png.ts';

export const SIDE = 64;

export async function startSlowServer(milliseconds: number): Promise<{ url: string; stop(): void }> {
  const png = await encodePng({ width: SIDE, height: SIDE, data: new Uint8Array(SIDE * SIDE * 3) });
  const answer = JSON.stringify({ images: [Buffer.from(png).toString('base64')] });
  const server = http.createServer((request, response) => {
    request.resume();
    setTimeout(() => response.setHeader('content-type', 'application/json').end(answer), milliseconds);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

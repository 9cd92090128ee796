/** A body as text bytes, gzip or not, told apart by its first two bytes. */
import { createGunzip, type Gunzip } from 'node:zlib';

/** Chunks of text bytes; a gzip body that breaks ends with an Error as its last value. */
export async function* unpacked(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array | Error> {
  const source = body[Symbol.asyncIterator]();
  // Two bytes decide; a first chunk of one byte is joined with the next.
  let head: Uint8Array = new Uint8Array();
  while (head.length < 2) {
    const { value, done } = await source.next();
    if (done) break;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  }
  const whole = rejoin(head, source);
  if (head[0] === 0x1f && head[1] === 0x8b) yield* gunzipped(whole);
  else yield* whole;
}

async function* gunzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array | Error> {
  const gunzip = createGunzip();
  let lost: unknown;
  feed(source, gunzip).catch((thrown) => {
    lost = thrown;
    gunzip.destroy(thrown as Error);
  });
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array;
  } catch (thrown) {
    // What was unpacked before the damage and waits to be read is still good.
    for (let rest = gunzip.read(); rest !== null; rest = gunzip.read()) yield rest as Uint8Array;
    if (lost) throw lost;
    yield new Error(`the gzip stream is damaged or ends early (${(thrown as Error).message})`);
  }
}

/** Chunk after chunk: one that is still at work when the stream is told to end would lose what it gives. */
async function feed(source: AsyncIterable<Uint8Array>, gunzip: Gunzip): Promise<void> {
  for await (const chunk of source) {
    await new Promise<void>((resolve) => {
      gunzip.once('close', resolve);
      gunzip.write(chunk, () => {
        gunzip.off('close', resolve);
        resolve();
      });
    });
    if (gunzip.destroyed) return;
  }
  gunzip.end();
}

async function* rejoin(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

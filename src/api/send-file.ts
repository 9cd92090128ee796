/** A file whose content never changes under its name: whole or a range of it, told by its sha256 (RFC 9110). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ArtifactFiles } from '../store/artifact-files.ts';
import type { ArtifactFacts } from '../store/artifacts.ts';
import type { ByteRange } from '../store/s3-bucket.ts';

/** Throws as ArtifactFiles.read does. */
export async function sendFile(
  { request, reply, artifacts }: { request: FastifyRequest; reply: FastifyReply; artifacts: ArtifactFiles },
  runId: string,
  file: ArtifactFacts,
) {
  const { name, bytes, sha256 } = file;
  const etag = `"${sha256}"`;
  const digest = Buffer.from(sha256, 'hex').toString('base64');
  reply.headers({ etag, 'accept-ranges': 'bytes', 'repr-digest': `sha-256=:${digest}:` });
  const { 'if-none-match': noneMatch, 'if-range': ifRange, range } = request.headers;
  if (noneMatch && (noneMatch === '*' || noneMatch.includes(etag))) return reply.status(304).send();

  // A range of another version would be sewn to the wrong file.
  const wanted = ifRange === undefined || ifRange === etag ? byteRange(range, bytes) : null;
  if (wanted === 'none') {
    const message = `Range is "${range}", but "${name}" has ${bytes} bytes`;
    return reply
      .status(416)
      .header('content-range', `bytes */${bytes}`)
      .send({ error: { code: 'DIPTYCH_INVALID_INPUT', message } });
  }
  reply.type('application/octet-stream');
  if (wanted === null) {
    const body = await artifacts.read(runId, file);
    return reply.header('content-length', bytes).send(body);
  }
  const { start, end } = wanted;
  const part = await artifacts.read(runId, file, wanted);
  return reply
    .status(206)
    .headers({ 'content-range': `bytes ${start}-${end}/${bytes}`, 'content-length': end - start + 1 })
    .send(part);
}

/**
 * What a Range header asks of a file of `size` bytes. Null: all of it, for there is no header, or one of several
 * ranges or another unit, which a server may ignore. 'none': nothing of it is there.
 */
export function byteRange(header: string | undefined, size: number): ByteRange | 'none' | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return null;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'none' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return null;
  if (start >= size) return 'none';
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}

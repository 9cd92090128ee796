/** Files of an export in a folder, each checked by its sha256. For Node, Deno and Bun: it writes to a disk. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApiError, type Client, type ExportFile } from './client.ts';

/** Files fetched at once. */
const CONCURRENCY = 8;

export interface Downloaded {
  files: number;
  bytes: number;
  /** Of `files`: those that were in the folder before, as they must be. */
  there: number;
}

/** The file that came is not the one that was promised. */
const badFile = (message: string) => new ApiError('DIPTYCH_BAD_FILE', message, 200);

/** Fetches what is not there yet of an export that has succeeded; `onProgress` sees what is done of what. */
export async function downloadExport(
  client: Client,
  id: string,
  folder: string,
  onProgress: (done: Downloaded, all: { files: number; bytes: number }) => void = () => {},
): Promise<Downloaded> {
  await mkdir(folder, { recursive: true });
  const files = await Array.fromAsync(client.exportFiles(id));
  const all = { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
  const done = { files: 0, bytes: 0, there: 0 };
  // All take from one list, which ends for all when one of them fails.
  const left = (function* () {
    yield* files;
  })();
  async function takeFiles(): Promise<void> {
    for (const file of left) {
      if ((await downloadFile(client, file, folder)) === 'there') done.there++;
      done.files++;
      done.bytes += file.bytes;
      onProgress(done, all);
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: CONCURRENCY }, takeFiles));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return done;
}

/**
 * Fetches a file where it is not there yet; what a broken download left is gone on with. It has its name only when
 * size and hash are right. Throws DIPTYCH_BAD_FILE when they are not, with the file removed.
 */
export async function downloadFile(
  client: Client,
  file: ExportFile,
  folder: string,
): Promise<'fetched' | 'there'> {
  const target = path.resolve(folder, file.name);
  if (path.relative(folder, target).startsWith('..')) {
    throw badFile(`"${file.name}" lies outside of ${folder}`);
  }
  if ((await sizeOf(target)) === file.bytes && (await hashOf(target)) === file.sha256) return 'there';
  await mkdir(path.dirname(target), { recursive: true });
  const partial = `${target}.partial`;
  await fetchRest(client, file, partial);
  const sha256 = await hashOf(partial);
  if (sha256 !== file.sha256) {
    await rm(partial);
    throw badFile(`"${file.name}" came with sha256 ${sha256}, must be ${file.sha256}; try again`);
  }
  await rename(partial, target);
  return 'fetched';
}

async function fetchRest(
  client: Client,
  { bytes, sha256, link }: ExportFile,
  partial: string,
): Promise<void> {
  const there = await sizeOf(partial);
  if (there === bytes) return;
  const headers: Record<string, string> =
    there > 0 && there < bytes ? { range: `bytes=${there}-`, 'if-range': `"${sha256}"` } : {};
  const { status, body } = await client.send(link, { headers });
  const flags = status === 206 ? 'a' : 'w';
  await pipeline(Readable.fromWeb(body as never), createWriteStream(partial, { flags }));
}

/** A file as the body of a request, read as it is sent; `onSent` sees how many bytes have been. */
export function streamOf(file: string, onSent: (bytes: number) => void = () => {}): BodyInit {
  let sent = 0;
  const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      sent += chunk.length;
      onSent(sent);
      yield chunk;
    }
  };
  return Readable.toWeb(Readable.from(counted(createReadStream(file)))) as BodyInit;
}

/** 0 where there is none. */
const sizeOf = (file: string) =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

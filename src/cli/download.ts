/** Files of an export to a folder, each checked by its sha256. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DiptychError } from '../errors.ts';
import { authorization, type ExportFile } from './client.ts';

/**
 * Fetches a file where it is not there yet; what a broken download left is gone on with. It has its name only when
 * size and hash are right. Throws DIPTYCH_BAD_FILE when they are not, with the file removed.
 */
export async function download(url: string, file: ExportFile, folder: string): Promise<'fetched' | 'there'> {
  const target = path.resolve(folder, file.name);
  if (path.relative(folder, target).startsWith('..')) {
    throw new DiptychError('DIPTYCH_BAD_FILE', `"${file.name}" lies outside of ${folder}`);
  }
  if ((await sizeOf(target)) === file.bytes && (await hashOf(target)) === file.sha256) return 'there';
  await mkdir(path.dirname(target), { recursive: true });
  const partial = `${target}.partial`;
  await fetchRest(`${url}${file.link}`, file, partial);
  const sha256 = await hashOf(partial);
  if (sha256 !== file.sha256) {
    await rm(partial);
    throw new DiptychError(
      'DIPTYCH_BAD_FILE',
      `"${file.name}" came with sha256 ${sha256}, must be ${file.sha256}; try again`,
    );
  }
  await rename(partial, target);
  return 'fetched';
}

async function fetchRest(url: string, { name, bytes, sha256 }: ExportFile, partial: string): Promise<void> {
  const there = await sizeOf(partial);
  if (there === bytes) return;
  const headers: Record<string, string> =
    there > 0 && there < bytes ? { range: `bytes=${there}-`, 'if-range': `"${sha256}"` } : {};
  const response = await fetch(url, { headers: { ...authorization(), ...headers } });
  if (!response.ok || !response.body) {
    throw new DiptychError(
      'DIPTYCH_BAD_FILE',
      `"${name}" can't be fetched: ${response.status} ${await response.text()}`,
    );
  }
  const flags = response.status === 206 ? 'a' : 'w';
  await pipeline(Readable.fromWeb(response.body as never), createWriteStream(partial, { flags }));
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

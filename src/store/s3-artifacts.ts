/**
 * Artifacts in a bucket: each file below its run, by content hash, so that what a run has twice is there once. What a
 * machine reads as a file it gets into a folder of its own, whole under its final name or not there: several processes
 * may want the same at once.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import PQueue from 'p-queue';
import { DiptychError } from '../errors.ts';
import { type ArtifactFiles, isFolder } from './artifact-files.ts';
import { type ArtifactFacts, type FileFacts, listingHash } from './artifacts.ts';
import type { Bucket } from './s3-bucket.ts';

/** Files on their way at once. */
const AT_ONCE = 4;
/** After which a version that another replaced, and what a killed process left, is removed from this machine. */
const UNUSED_MS = 3_600_000;

/** @param home where files of this machine's own are put */
export function s3Artifacts(bucket: Bucket, home: string): ArtifactFiles {
  const keyOf = (runId: string, { sha256 }: Pick<FileFacts, 'sha256'>) => `runs/${runId}/${sha256}`;
  const called = (runId: string, name: string) => `"${name}" of run ${runId}`;

  async function keep(runId: string, artifacts: readonly ArtifactFacts[]): Promise<void> {
    const files = artifacts.flatMap(({ name, path: where, files, ...facts }) =>
      files
        ? files.map((file) => ({ ...file, where: path.join(where, file.name) }))
        : [{ name, ...facts, where }],
    );
    const distinct = [...new Map(files.map((file) => [file.sha256, file])).values()];
    await all(distinct, async ({ where, ...file }) => {
      const [key, what] = [keyOf(runId, file), called(runId, file.name)];
      // An earlier attempt may have come as far as this.
      if (!(await bucket.has(key, what))) await bucket.putFile(key, where, file.bytes, what);
    });
  }

  async function download(runId: string, file: FileFacts, to: string): Promise<void> {
    const what = called(runId, file.name);
    const body = await bucket.stream(keyOf(runId, file), what);
    const hash = createHash('sha256');
    async function* seen(chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    }
    await mkdir(path.dirname(to), { recursive: true });
    let broken: unknown;
    await pipeline(body, seen, createWriteStream(to, { flush: true })).catch((thrown) => {
      broken = thrown;
    });
    if (!broken && hash.digest('hex') === file.sha256) return;
    throw new DiptychError(
      'DIPTYCH_BLOBS_UNAVAILABLE',
      `can't get ${what} in ${bucket.name}: ${broken ?? 'other bytes came'}`,
      { cause: broken },
    );
  }

  /** Makes a folder of files; `replace` decides when there is one already. */
  async function bring(runId: string, files: readonly FileFacts[], folder: string, replace: boolean) {
    const partial = `${folder}.partial-${randomUUID()}`;
    try {
      await mkdir(partial, { recursive: true });
      await all(files, (file) => download(runId, file, path.join(partial, file.name)));
      if (replace) await rm(folder, { recursive: true, force: true });
      await rename(partial, folder).catch((thrown) => {
        // Another process was first: its folder is the same.
        if (replace || !existsSync(folder)) throw thrown;
      });
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }

  return {
    shared: true,
    keep,
    async read(runId, artifact, range) {
      if (artifact.files) throw isFolder(artifact);
      return bucket.stream(keyOf(runId, artifact), called(runId, artifact.name), range);
    },
    async local(runId, artifact, wanted = () => true) {
      const single = { ...artifact, name: path.basename(artifact.name) };
      const files = artifact.files?.filter(({ name }) => wanted(name)) ?? [single];
      const folder = path.join(home, runId, encodeURIComponent(artifact.name), listingHash(files));
      if (!existsSync(folder)) await bring(runId, files, folder, false);
      const now = new Date();
      await utimes(folder, now, now);
      await removeUnused(path.dirname(folder), path.basename(folder));
      return artifact.files ? folder : path.join(folder, single.name);
    },
    fetchInto: (runId, { files }, folder) => bring(runId, files!, folder, true),
    async removeSuperseded(runId, before, now) {
      const left = new Set(now.files!.map(({ sha256 }) => sha256));
      const gone = before.files!.filter(({ sha256 }) => !left.has(sha256));
      await bucket.remove(gone.map((file) => keyOf(runId, file)));
    },
    removeAll: (runId) => bucket.removeBelow(`runs/${runId}/`),
  };
}

/** A few at a time; the first error ends it. */
async function all<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = new PQueue({ concurrency: AT_ONCE });
  try {
    await queue.addAll(items.map((item) => () => work(item)));
  } finally {
    queue.clear();
    await queue.onIdle();
  }
}

async function removeUnused(folder: string, but: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const other = path.join(folder, name);
    const used = name === but ? null : await stat(other).catch(() => null);
    if (used && Date.now() - used.mtimeMs > UNUSED_MS) await rm(other, { recursive: true, force: true });
  }
}

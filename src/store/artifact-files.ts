/** The files of artifacts, for a process that may be on another machine than the one that made them. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { DiptychError } from '../errors.ts';
import type { ArtifactFacts } from './artifacts.ts';
import type { ByteRange } from './s3-bucket.ts';

/** By the name inside of a folder. */
export type Wanted = (name: string) => boolean;

export interface ArtifactFiles {
  /** Whether machines that share no disk read them. */
  shared: boolean;
  /** Puts the files where all that read them find them. Comes before their rows are written: a row has its files. */
  keep(runId: string, artifacts: readonly ArtifactFacts[]): Promise<void>;
  /** A file's bytes. Throws DIPTYCH_NOT_FOUND when they are gone, DIPTYCH_INVALID_INPUT when it is a folder. */
  read(runId: string, artifact: ArtifactFacts, range?: ByteRange): Promise<Readable>;
  /** Path of a file or folder on this machine, whole; of a folder at least the files that are wanted. Read only. */
  local(runId: string, artifact: ArtifactFacts, wanted?: Wanted): Promise<string>;
  /** Puts the files of a folder into one of this machine, in place of what was there. */
  fetchInto(runId: string, artifact: ArtifactFacts, folder: string): Promise<void>;
  /** Removes the files of `before` that `now` does not have, too. */
  removeSuperseded(runId: string, before: ArtifactFacts, now: ArtifactFacts): Promise<void>;
  /** Removes all that machines share of a run. */
  removeAll(runId: string): Promise<void>;
}

/** Where they were made, on the one disk that there is. */
export const folderArtifacts: ArtifactFiles = {
  shared: false,
  async keep() {},
  async read(_, artifact, range) {
    const there = await stat(artifact.path).catch(() => null);
    if (!there)
      throw new DiptychError('DIPTYCH_NOT_FOUND', `"${artifact.name}" was removed from the server's disk`);
    if (there.isDirectory()) throw isFolder(artifact);
    return createReadStream(artifact.path, range);
  },
  local: async (_, { path }) => path,
  async fetchInto() {},
  async removeSuperseded() {},
  async removeAll() {},
};

export const isFolder = ({ name, path }: ArtifactFacts) =>
  new DiptychError('DIPTYCH_INVALID_INPUT', `"${name}" is a folder: ${path}`);

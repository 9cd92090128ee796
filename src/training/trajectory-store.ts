/**
 * Inversion trajectories on disk: the reference never changes, so each candidate is inverted once and read from
 * here ever after. One file of fixed-size records; a note beside it says how many are whole, so that an
 * interrupted run goes on where it stopped. Memory holds one state at a time.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sizeOf } from '../engine/tensor.ts';
import { DiptychError } from '../errors.ts';

export interface TrajectoryStore {
  /** Of one state: height, width, channels of what the UNet works on. */
  shape: readonly number[];
  /** Candidates whose trajectories are stored: the first `count` of the list. */
  count(): number;
  /** Appends whole trajectories, [candidates, states, values] in one array; durable when it resolves. */
  append(trajectories: Float32Array, candidates: number): Promise<void>;
  /** State `index` (0: the image) of a candidate. */
  read(candidate: number, index: number): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface TrajectoryOptions {
  /** Changes with anything that changes the trajectories: model, grid, guidance, candidates. */
  key: string;
  /** States of each trajectory, the image included. */
  states: number;
  /** Of one state. */
  shape: readonly number[];
}

export async function openTrajectories(folder: string, options: TrajectoryOptions): Promise<TrajectoryStore> {
  const { key, states, shape } = options;
  const size = sizeOf(shape);
  await mkdir(folder, { recursive: true });
  const noteFile = path.join(folder, 'trajectories.json');
  const dataFile = path.join(folder, 'trajectories.f32');
  const stateBytes = 4 * size;
  let count = storedCount(noteFile, dataFile, key, states * stateBytes);
  const file: FileHandle = await open(dataFile, count > 0 ? 'r+' : 'w+');
  return {
    shape,
    count: () => count,
    async append(trajectories, candidates) {
      const bytes = new Uint8Array(trajectories.buffer, trajectories.byteOffset, trajectories.byteLength);
      await file.write(bytes, 0, bytes.length, count * states * stateBytes);
      await file.sync();
      count += candidates;
      await writeFile(`${noteFile}.tmp`, JSON.stringify({ key, count }));
      await rename(`${noteFile}.tmp`, noteFile);
    },
    async read(candidate, index) {
      const state = new Float32Array(size);
      const at = (candidate * states + index) * stateBytes;
      const { bytesRead } = await file.read(new Uint8Array(state.buffer), 0, stateBytes, at);
      if (bytesRead < stateBytes) {
        throw new DiptychError(
          'DIPTYCH_BAD_FILE',
          `${dataFile}: state ${index} of trajectory ${candidate} is cut short`,
        );
      }
      return state;
    },
    close: () => file.close(),
  };
}

/** Trajectories of this key that are stored; none where the note can't be read or promises more than there is. */
function storedCount(noteFile: string, dataFile: string, key: string, bytes: number): number {
  if (!existsSync(noteFile) || !existsSync(dataFile)) return 0;
  try {
    const note = JSON.parse(readFileSync(noteFile, 'utf8')) as { key?: string; count: number } | null;
    return note?.key === key && note.count * bytes <= statSync(dataFile).size ? note.count : 0;
  } catch {
    return 0;
  }
}

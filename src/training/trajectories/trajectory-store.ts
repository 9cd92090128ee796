/**
 * Inversion trajectories on disk: the reference never changes, so each candidate is inverted once and read from
 * here ever after. One file a candidate (trajectory-files.ts), halves inside (trajectory-code.ts). Memory holds what is
 * read.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { sizeOf } from '../../engine/tensor.ts';
import { DiptychError } from '../../errors.ts';
import { decodeState, encodeTrajectory } from './trajectory-code.ts';
import { CHECKSUM_BYTES, openTrajectoryFiles } from './trajectory-files.ts';

export interface TrajectoryStore {
  /** Of one state: height, width, channels of what the UNet works on. */
  shape: readonly number[];
  /** Whether a candidate's trajectory is at hand, whole; a damaged one is not. */
  hold(candidate: number): Promise<boolean>;
  /** Keeps the stored states of candidates, in their order; a kill leaves all or none. */
  add(trajectories: ReadonlyMap<number, readonly Float32Array[]>): Promise<void>;
  /** State `index` (0: the image) of a candidate that is held. Throws DIPTYCH_BAD_FILE. */
  read(candidate: number, index: number): Promise<Float32Array>;
  /** Ends the run's hold on shared files. */
  release(): Promise<void>;
}

export interface TrajectoryOptions {
  /** The run's own folder. */
  folder: string;
  /** Shared with other runs; absent: nothing is. */
  shared?: string;
  /** Of the candidates: change with anything that changes their trajectories. */
  keys: readonly string[];
  /** Of the inversion, those that are stored, rising, and aBar of each. */
  states: readonly number[];
  levels: readonly number[];
  /** Of one state. */
  shape: readonly number[];
}

export async function openTrajectories(options: TrajectoryOptions): Promise<TrajectoryStore> {
  const { folder, shared, keys, states, levels, shape } = options;
  const files = await openTrajectoryFiles(folder, shared);
  const size = sizeOf(shape);
  const placeOf = new Map(states.map((state, place) => [state, place]));
  return {
    shape,
    hold: (candidate) => files.hold(keys[candidate]!),
    async add(trajectories) {
      const encoded = [...trajectories].map(([candidate, trajectory]): [string, Uint8Array] => {
        return [keys[candidate]!, new Uint8Array(encodeTrajectory(trajectory, levels).buffer)];
      });
      await files.add(new Map(encoded));
    },
    async read(candidate, index) {
      const place = placeOf.get(index)!;
      const code = new Uint16Array((place + 1) * size);
      readInto(files.pathOf(keys[candidate]!), new Uint8Array(code.buffer));
      return decodeState(code, levels, place);
    },
    async release() {
      if (shared) await rm(folder, { recursive: true });
    },
  };
}

/** Synchronous: opening small files costs less than a thread's attention, and training waits for them anyway. */
function readInto(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'r');
  try {
    const bytesRead = readSync(file, bytes, 0, bytes.length, CHECKSUM_BYTES);
    if (bytesRead < bytes.length) throw new DiptychError('DIPTYCH_BAD_FILE', `${path} was cut short`);
  } finally {
    closeSync(file);
  }
}

/** Made-up annotations with small real PNGs, and an export of them with plain settings. */
import { createHash } from 'node:crypto';
import { encodePng } from '../../src/engine/png.ts';
import { type DatasetPolicy, readVersion } from '../../src/export/dataset-version.ts';
import { type ExportOptions, type ExportResult, writeExport } from '../../src/export/export.ts';
import type { ExportAnnotation } from '../../src/export/rows.ts';

export const METRICS = ['dpg', 'pickscore', 't2i-2d-spatial'];
export const SIDE = 8;
export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export interface MadeUp {
  annotations: ExportAnnotation[];
  /** PNG by sha256. */
  images: Map<string, Buffer>;
  /** sha256 of the image's RGB pixels, by the sha256 of its PNG. */
  pixels: Map<string, string>;
}

/** Rewards of the four slots: another slot is best each time; every fifth annotation has a tie of slots 0 and 1. */
export const rewardOf = (n: number, slot: number): number =>
  n % 5 === 4 && slot === 1 ? rewardOf(n, 0) : ((n + 3 * slot) % 4) / 4 + 0.125;

export async function madeUp(count: number): Promise<MadeUp> {
  const world: MadeUp = { annotations: [], images: new Map(), pixels: new Map() };
  for (let n = 0; n < count; n++) {
    const imgId = `img-${String(n).padStart(4, '0')}`;
    const candidates = [];
    for (let slot = 0; slot < 4; slot++) {
      const data = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => (7 * n + 60 * slot + i) % 256);
      const png = await encodePng({ width: SIDE, height: SIDE, data });
      world.images.set(sha256(png), png);
      world.pixels.set(sha256(png), sha256(data));
      candidates.push({
        slot,
        seed: slot === 3 ? Number.MAX_SAFE_INTEGER - n : 1000 * n + slot,
        sha256: sha256(png),
        width: SIDE,
        height: SIDE,
        generation: {
          model: 'made-up',
          modelHash: 'f'.repeat(64),
          sampler: 'ddim',
          steps: 20,
          guidance: 7.5,
        },
        // Every second annotation has no spatial relation, so that metric says nothing about it.
        scores: {
          dpg: rewardOf(n, slot),
          pickscore: 0.2 + slot / 1000,
          ...(n % 2 === 0 ? { 't2i-2d-spatial': slot / 3 } : {}),
        },
        reward: rewardOf(n, slot),
      });
    }
    const label = n === 0 ? 'Würfel 🎲 "rot"' : `cube ${n}`;
    world.annotations.push({
      imgId,
      prompt: n === 1 ? '' : `a ${label}`,
      body: {
        img_id: imgId,
        items: [{ item_id: 0, label, attributes: [] }],
        relations: [],
        caption_ori: label,
      },
      candidates,
      votes: [],
    });
  }
  return world;
}

export async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

export const POLICY: DatasetPolicy = {
  reward: { policy: 'mean', weights: { dpg: 1 } },
  pairs: { policy: 'all', margin: 0, ties: 'keep' },
  scores: Object.fromEntries(METRICS.map((metric) => [metric, 'fixed/1'])),
};

/** Exports the annotations with all pairs, ties kept, in the three layouts of a run; `changes` replaces any option. */
export async function exportMadeUp(
  { annotations, images }: MadeUp,
  folder: string,
  changes: Partial<ExportOptions> = {},
): Promise<ExportResult> {
  const policy = changes.policy ?? POLICY;
  return writeExport({
    annotations: stream(annotations),
    load: async (hash) => images.get(hash)!,
    policy,
    version: (await readVersion(policy, stream(annotations))).version,
    layouts: ['images', 'pickapic', 'scores'],
    writer: 'hyparquet-writer',
    folder,
    run: 'a run',
    votes: 0,
    facts: { model: 'made-up: a "model"', pairs: 'all' },
    command: (layout) => `make ${layout} again`,
    onAnnotation() {},
    ...changes,
  });
}

/** What the export bench exports: annotations of four candidates each, as many as the paper's set has. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DatasetPolicy } from '../../src/export/dataset-version.ts';
import type { ExportAnnotation } from '../../src/export/rows.ts';
import { createRandom } from '../../src/random.ts';

const [ANNOTATIONS, SLOTS] = [2785, 4];
export const CANDIDATES = ANNOTATIONS * SLOTS;
export const IMAGE_BYTES = 100_000;
const METRICS = ['clip-score', 'dpg', 'pickscore', 't2i-3in1'];

export const POLICY: DatasetPolicy = {
  reward: { policy: 'mean', weights: { dpg: 1 } },
  pairs: { policy: 'all', margin: 0, ties: 'drop' },
  scores: Object.fromEntries(METRICS.map((metric) => [metric, 'fixed/1'])),
};

/** Bytes of a candidate's image: noise, so that nothing can compress it. */
function imageOf(n: number): Uint8Array {
  const random = createRandom(n);
  return new Uint8Array(Uint32Array.from({ length: IMAGE_BYTES / 4 }, () => random.int(2 ** 32)).buffer);
}

/** Its name in the folder of images. */
const nameOf = (n: number) => createHash('sha256').update(String(n)).digest('hex');

export async function writeBlobs(folder: string): Promise<void> {
  await mkdir(folder);
  for (let n = 0; n < CANDIDATES; n++) await writeFile(path.join(folder, nameOf(n)), imageOf(n));
}

export async function* annotations(): AsyncGenerator<ExportAnnotation> {
  const generation = { model: 'bench', modelHash: '0'.repeat(64), sampler: 'ddim', steps: 20, guidance: 7.5 };
  for (let n = 0; n < ANNOTATIONS; n++) {
    const candidates = Array.from({ length: SLOTS }, (_, slot) => ({
      ...{ slot, seed: n, width: 512, height: 512, generation, reward: n / 7 },
      sha256: nameOf(SLOTS * n + slot),
      scores: Object.fromEntries(METRICS.map((metric, i) => [metric, Math.sin(n + slot + i)])),
    }));
    const items = [{ item_id: 0, label: 'lighthouse', attributes: ['tall', 'white'] }];
    const body = { img_id: `img-${String(n).padStart(5, '0')}`, items, relations: [] };
    yield { imgId: body.img_id, prompt: 'tall white lighthouse', body, candidates, votes: [] };
  }
}

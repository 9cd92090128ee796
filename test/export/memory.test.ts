/** Memory and row groups of an export that is much larger than both may be. */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import { type DatasetPolicy, readVersion } from '../../src/export/dataset-version.ts';
import { type ExportAnnotation, splitOf } from '../../src/export/rows.ts';
import { temporaryFolder } from '../temporary.ts';
import { exportMadeUp, POLICY } from './made-up.ts';
import { readMetadata } from './read.ts';

const [ANNOTATIONS, IMAGE_BYTES, MB] = [500, 100_000, 1024 * 1024];
/** Written: 2,000 images of 100 KB, and 1,000 pairs of two. */
const WRITTEN_MB = (2000 * IMAGE_BYTES + 1000 * 2 * IMAGE_BYTES) / MB;
const GROWTH_MB = 256;

/** Made one by one, so that nothing but the export can hold them. */
async function* annotations(): AsyncGenerator<ExportAnnotation> {
  for (let n = 0; n < ANNOTATIONS; n++) {
    const imgId = `img-${n}`;
    const candidates = [0, 1, 2, 3].map((slot) => ({
      slot,
      seed: n,
      sha256: `${imgId}-${slot}`,
      width: 1,
      height: 1,
      generation: { model: 'm', modelHash: 'h', sampler: 'ddim', steps: 1, guidance: 1 },
      scores: { dpg: slot / 4 },
      reward: slot >> 1,
    }));
    const items = [{ item_id: 0, label: 'cube', attributes: [] }];
    yield { imgId, prompt: 'cube', body: { img_id: imgId, items, relations: [] }, candidates, votes: [] };
  }
}

test(`${WRITTEN_MB.toFixed(0)} MB of images grow memory by less than ${GROWTH_MB} MB`, async (t) => {
  const folder = await temporaryFolder(t);
  const policy: DatasetPolicy = { ...POLICY, pairs: { policy: 'best-rest', margin: 0.5, ties: 'drop' } };
  const { version } = await readVersion(policy, annotations());
  const before = process.memoryUsage.rss();
  let peak = before;
  const { files, candidates, pairs } = await exportMadeUp(
    { annotations: [], images: new Map(), pixels: new Map() },
    folder,
    {
      annotations: annotations(),
      load: async () => randomFillSync(new Uint8Array(IMAGE_BYTES)),
      policy,
      version,
      onAnnotation() {
        peak = Math.max(peak, process.memoryUsage.rss());
      },
    },
  );
  peak = Math.max(peak, process.memoryUsage.rss());
  assert.deepEqual([candidates, pairs], [2000, 1000]);
  t.diagnostic(`memory grew by ${((peak - before) / MB).toFixed(0)} MB`);
  assert.ok(peak - before < GROWTH_MB * MB, `memory grew by ${((peak - before) / MB).toFixed(0)} MB`);

  const train = files.filter(({ name }) => name.endsWith('/data/train-00000-of-00001.parquet'));
  assert.equal(train.length, 2);
  for (const { name, rows } of train) {
    const metadata = await readMetadata(`${folder}/${name}`);
    const sizes = metadata.row_groups.map(({ total_byte_size }) => Number(total_byte_size) / MB);
    const share = [...Array(ANNOTATIONS).keys()].filter((n) => splitOf(`img-${n}`) === 'train').length;
    assert.equal(rows! % share, 0);
    // 32 MB, and what one more row adds.
    assert.ok(sizes.length >= 5 && Math.max(...sizes) < 33, `row groups of ${sizes} MB`);
    assert.ok(metadata.metadata_length < MB, `footer of ${metadata.metadata_length} bytes`);
    assert.equal(Number(metadata.num_rows), rows);
  }
});

/** The Arrow stream of scores, read back by apache-arrow and by pyarrow. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { RecordBatchReader, tableFromIPC } from 'apache-arrow';
import { arrowStream } from '../../src/export/arrow.ts';
import { SCORE_COLUMNS, type ScoredImage, scoreRows } from '../../src/export/score-rows.ts';
import { python, withoutPython } from '../python.ts';
import { temporaryFolder } from '../temporary.ts';
import { stream } from './made-up.ts';

const METRICS = ['t2i-3in1', 'clip-score', 'dpg'];
/** Scores with what a double can hold; a metric is missing in every third image. */
const value = (n: number, metric: number) => [n / 7, -0, 5e-324, Number.MAX_VALUE][(n + metric) % 4]!;
const scored = (n: number): ScoredImage => ({
  imgId: n === 1 ? 'Würfel 🎲' : `img-${n >> 2}`,
  slot: n % 4,
  sha256: n === 2 ? '' : String(n).padStart(64, '0'),
  scores: Object.fromEntries(METRICS.slice(n % 3 === 0 ? 1 : 0).map((metric, i) => [metric, value(n, i)])),
});
const images = (count: number) => Array.from({ length: count }, (_, n) => scored(n));

/** The rows that the images must become: metrics in the order of their names. */
const rowsOf = (of: readonly ScoredImage[]) =>
  of.flatMap(({ imgId, slot, sha256, scores }) =>
    ['clip-score', 'dpg', 't2i-3in1']
      .filter((metric) => metric in scores)
      .map((metric) => ({ annotation_id: imgId, image_index: slot, sha256, metric, value: scores[metric]! })),
  );

const arrowScores = (of: AsyncIterable<ScoredImage>) => {
  async function* rows() {
    for await (const image of of) yield scoreRows(image);
  }
  return arrowStream(SCORE_COLUMNS, rows());
};

async function bytesOf(of: AsyncIterable<ScoredImage>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(arrowScores(of)));
}

test('apache-arrow reads every value, over many batches', async () => {
  const bytes = await bytesOf(stream(images(3000)));
  const batches = [...RecordBatchReader.from(bytes)].map((batch) => batch.numRows);
  const want = rowsOf(images(3000));
  assert.ok(batches.length >= 4, `${batches}`);
  assert.equal(
    batches.reduce((sum, rows) => sum + rows, 0),
    want.length,
  );
  const got = tableFromIPC(bytes)
    .toArray()
    .map((row) => ({ ...row.toJSON() }));
  assert.deepEqual(got, want);
});

test('a stream of nothing has the schema and no rows', async () => {
  const table = tableFromIPC(await bytesOf(stream([])));
  assert.equal(table.numRows, 0);
  assert.deepEqual(
    table.schema.fields.map(({ name, type }) => `${name} ${type}`),
    ['annotation_id Utf8', 'image_index Int32', 'sha256 Utf8', 'metric Utf8', 'value Float64'],
  );
});

test('a batch leaves before the next images are asked for', async () => {
  let asked = 0;
  async function* counted(): AsyncGenerator<ScoredImage> {
    for (let n = 0; n < 100_000; n++) {
      asked++;
      yield scored(n);
    }
  }
  const chunks = arrowScores(counted());
  await chunks.next();
  assert.equal(asked, 0);
  let bytes = 0;
  for (let i = 0; i < 3; i++) {
    const { value: chunk } = await chunks.next();
    bytes = Math.max(bytes, (chunk as Uint8Array).length);
  }
  // Three batches of about 2,000 rows, at fewer than three rows an image.
  assert.ok(asked >= 2000 && asked < 3000, `${asked} images were read`);
  assert.ok(bytes < 1024 * 1024, `a batch has ${bytes} bytes`);
  await chunks.return(undefined);
});

test('the stream ends with the mark of its end', async () => {
  const mark = Buffer.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);
  for (const count of [0, 5]) {
    assert.deepEqual((await bytesOf(stream(images(count)))).subarray(-8), mark);
  }
});

test('a damaged stream is refused by the reader, not read short', async () => {
  const bytes = await bytesOf(stream(images(2000)));
  assert.throws(() => tableFromIPC(bytes.subarray(0, bytes.length - 100)));
});

test('an error of the source reaches the reader of the stream', async () => {
  async function* failing(): AsyncGenerator<ScoredImage> {
    yield scored(0);
    throw new Error('the database went away');
  }
  await assert.rejects(bytesOf(failing()), { message: 'the database went away' });
});

test('pyarrow reads the same rows', { skip: withoutPython }, async (t) => {
  interface Read {
    types: Record<string, string>;
    batches: number[];
    rows: unknown[];
  }
  const folder = await temporaryFolder(t);
  for (const [count, batches] of [
    [0, 0],
    [1, 1],
    [1500, 2],
  ] as const) {
    const file = path.join(folder, `${count}.arrows`);
    await writeFile(file, await bytesOf(stream(images(count))));
    const read = await python<Read>('export/read_arrow.py', folder, file);
    assert.deepEqual(Object.entries(read.types), [
      ['annotation_id', 'string'],
      ['image_index', 'int32'],
      ['sha256', 'string'],
      ['metric', 'string'],
      ['value', 'double'],
    ]);
    assert.deepEqual(read.rows, rowsOf(images(count)));
    assert.equal(read.batches.length, batches);
  }
});

/** The rules of the Pick-a-Pic layout that its readers rely on. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { PICKAPIC_COLUMNS, pickapicRow } from '../../src/export/layouts/pickapic.ts';
import { type CandidatePair, comparisonsOf, pairsIn } from '../../src/export/pairs.ts';
import { type ExportAnnotation, splitOf } from '../../src/export/rows.ts';
import { exportMadeUp, type MadeUp, madeUp, POLICY, rewardOf, SIDE, sha256 } from './made-up.ts';
import { declared, featuresOf, type ReadRow, readMetadata, readRows } from './read.ts';

const ANNOTATIONS = 40;
let folder: string;
let world: MadeUp;
/** Rows by split. */
let read: Record<'train' | 'validation', ReadRow[]>;
let all: ReadRow[];
const file = (split: string) => path.join(folder, 'pickapic/data', `${split}-00000-of-00001.parquet`);

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-test-'));
  world = await madeUp(ANNOTATIONS);
  await exportMadeUp(world, folder);
  read = { train: await readRows(file('train')), validation: await readRows(file('validation')) };
  all = [...read.train, ...read.validation];
});
after(() => rm(folder, { recursive: true, force: true }));

/** Number of the annotation, and slots of the row's two sides. */
function sides(row: ReadRow): { n: number; slots: [number, number] } {
  const slot = (uid: unknown) => Number(String(uid).slice(-1));
  return {
    n: Number(String(row.annotation_id).slice(-4)),
    slots: [slot(row.image_0_uid), slot(row.image_1_uid)],
  };
}

test('every pair of every annotation is there once', () => {
  const keys = all.map((row) => {
    const { n, slots } = sides(row);
    return `${n}: ${slots.sort().join(' ')}`;
  });
  const want = Array.from({ length: ANNOTATIONS }, (_, n) =>
    ['0 1', '0 2', '0 3', '1 2', '1 3', '2 3'].map((pair) => `${n}: ${pair}`),
  );
  assert.deepEqual(keys.sort(), want.flat().sort());
});

test('labels: 1 for the better image, 0 for the worse, one half for a kept tie alone', () => {
  let ties = 0;
  for (const row of all) {
    const { n, slots } = sides(row);
    const [a, b] = slots.map((slot) => rewardOf(n, slot)) as [number, number];
    assert.equal(row.label_0, a === b ? 0.5 : a > b ? 1 : 0);
    assert.equal(row.label_1, a === b ? 0.5 : a > b ? 0 : 1);
    assert.equal(row.best_image_uid, a === b ? 'tie' : a > b ? row.image_0_uid : row.image_1_uid);
    assert.deepEqual([row.reward_0, row.reward_1, row.margin], [a, b, Math.abs(a - b)]);
    assert.equal(row.has_label, true);
    ties += a === b ? 1 : 0;
  }
  assert.ok(ties >= ANNOTATIONS / 5, `${ties} ties`);
});

test('ties are left out where they are not asked for', async () => {
  await exportMadeUp(world, `${folder}/without`, {
    policy: { ...POLICY, pairs: { policy: 'all', margin: 0, ties: 'drop' } },
  });
  const without = path.join(folder, 'without/pickapic/data/train-00000-of-00001.parquet');
  const labels = (await readRows(without)).map((row) => row.label_0);
  assert.equal(labels.length, read.train.filter((row) => row.label_0 !== 0.5).length);
  assert.deepEqual([...new Set(labels)].sort(), [0, 1]);
});

test('both splits are there, and no annotation stands in both', () => {
  const ids = (rows: ReadRow[]) => new Set(rows.map((row) => row.annotation_id));
  assert.ok(read.train.length > 0 && read.validation.length > 0);
  assert.equal(ids(read.train).intersection(ids(read.validation)).size, 0);
  assert.equal(ids(all).size, ANNOTATIONS);
  const many = Array.from({ length: 5000 }, (_, n) => splitOf(`annotation ${n}`));
  const share = many.filter((split) => split === 'validation').length / many.length;
  // Four standard deviations of 5000 draws at one in ten.
  assert.ok(Math.abs(share - 0.1) < 0.017, `${share}`);
});

test('row numbers count from 0 in each split; counts and ids are whole numbers of 64 bits', () => {
  for (const rows of [read.train, read.validation]) {
    assert.deepEqual(
      rows.map((row) => row.__index_level_0__),
      rows.map((_, i) => BigInt(i)),
    );
  }
  const rankings = new Map(all.map((row) => [row.annotation_id, row.ranking_id]));
  assert.equal(new Set(rankings.values()).size, ANNOTATIONS);
  for (const row of all) {
    assert.equal(row.num_example_per_prompt, 6n);
    assert.equal(row.user_id, 0n);
    assert.equal(row.ranking_id, rankings.get(row.annotation_id));
  }
});

test('images, their hashes, sizes and seeds belong to the side they stand on', () => {
  for (const row of all) {
    const { n, slots } = sides(row);
    for (const side of [0, 1] as const) {
      const candidate = world.annotations[n]!.candidates[slots[side]]!;
      const bytes = row[`jpg_${side}`] as Uint8Array;
      assert.equal(sha256(bytes), candidate.sha256);
      assert.equal(row[`sha256_${side}`], candidate.sha256);
      assert.equal(row[`seed_${side}`], BigInt(candidate.seed!));
      assert.equal(row[`metrics_${side}`], JSON.stringify(candidate.scores));
      // Width and height in the PNG's header.
      const header = new DataView(bytes.buffer, bytes.byteOffset + 16);
      assert.deepEqual([header.getUint32(0), header.getUint32(4)], [SIDE, SIDE]);
    }
    assert.equal(row.caption, world.annotations[n]!.prompt);
    assert.deepEqual([row.sampler, row.label_source, row.pair_policy], ['ddim', 'machine', 'all']);
  }
});

/** The row of the pair of two slots. */
async function rowOf(annotation: ExportAnnotation, winner: number, loser: number): Promise<ReadRow> {
  const pair: CandidatePair = {
    winner: annotation.candidates[winner]!,
    loser: annotation.candidates[loser]!,
    winnerUid: `${annotation.imgId}-${winner}`,
    loserUid: `${annotation.imgId}-${loser}`,
    margin: 1,
    policy: 'all',
    tie: false,
  };
  const image = async () => new Uint8Array();
  return pickapicRow({ annotation, pairs: [pair], image }, pair, 0, 'version');
}

test('are_different tells equal images from different ones', async () => {
  const [annotation] = world.annotations;
  const [first, second] = annotation!.candidates;
  const twins = { ...annotation!, candidates: [first!, { ...second!, sha256: first!.sha256 }] };
  assert.equal((await rowOf(twins, 0, 1)).are_different, false);
  assert.ok(all.every((row) => row.are_different === true));
});

test("the winner's side is random, near half, and the same every time", async () => {
  const label = async (n: number) =>
    (await rowOf({ ...world.annotations[0]!, imgId: `annotation-${n}` }, 1, 2)).label_0;
  const labels = await Promise.all(Array.from({ length: 2000 }, (_, n) => label(n) as Promise<number>));
  const share = labels.reduce((sum, one) => sum + one, 0) / labels.length;
  // Four standard deviations of 2000 fair draws.
  assert.ok(Math.abs(share - 0.5) < 0.045, `${share}`);
  assert.deepEqual(await Promise.all([...labels.keys()].reverse().map(label)), labels.toReversed());
});

test('PickScores stand beside the label, with the label that they alone would give', async () => {
  const annotation = world.annotations[0]!;
  const [first, second, ...rest] = annotation.candidates;
  const withScores = (a: object, b: object) =>
    ({
      ...annotation,
      candidates: [{ ...first, scores: a }, { ...second, scores: b }, ...rest],
    }) as ExportAnnotation;
  const seen = async (a: object, b: object) => {
    const row = await rowOf(withScores(a, b), 0, 1);
    const [one, other] = row.image_0_uid === `${annotation.imgId}-0` ? [0, 1] : [1, 0];
    const label = row.ps_label_0 as number | null;
    return [
      row[`ps_score_${one}`],
      row[`ps_score_${other}`],
      label === null || one === 0 ? label : 1 - label,
    ];
  };
  assert.deepEqual(await seen({ pickscore: 0.2 }, { pickscore: 0.1 }), [0.2, 0.1, 1]);
  assert.deepEqual(await seen({ pickscore: 0.1 }, { pickscore: 0.2 }), [0.1, 0.2, 0]);
  assert.deepEqual(await seen({ pickscore: 0.1 }, { pickscore: 0.1 }), [0.1, 0.1, 0.5]);
  assert.deepEqual(await seen({ pickscore: 0.1 }, {}), [0.1, null, null]);
});

test('images of different sizes make no pair', () => {
  const annotation = structuredClone(world.annotations[0]!);
  annotation.candidates[2]!.width++;
  const comparisons = comparisonsOf(annotation, POLICY.pairs, false);
  const pairs = pairsIn(comparisons);
  assert.deepEqual([comparisons.length, pairs.length], [6, 3]);
  assert.equal(comparisons.filter(({ leftOut }) => leftOut === 'size').length, 3);
  assert.ok(pairs.every(({ winner, loser }) => winner.slot !== 2 && loser.slot !== 2));
});

test('ranking ids are the same in every export', async () => {
  const { ranking_id } = await rowOf(world.annotations[3]!, 0, 1);
  // The first 63 bits of sha256("img-0003"), as `printf img-0003 | sha256sum` begins.
  assert.equal(ranking_id, BigInt.asUintN(63, BigInt(`0x${sha256(Buffer.from('img-0003')).slice(0, 16)}`)));
});

test('images are bytes and no text, and the footer tells Hugging Face every type', async () => {
  const metadata = await readMetadata(file('train'));
  const columns = declared(metadata);
  for (const column of [
    'jpg_0 BYTE_ARRAY/-',
    'jpg_1 BYTE_ARRAY/-',
    'label_0 DOUBLE/-',
    'ranking_id INT64/-',
  ]) {
    assert.ok(columns.includes(column), column);
  }
  assert.ok(metadata.schema.every(({ logical_type }) => logical_type === undefined));
  const features = featuresOf(metadata);
  assert.deepEqual(
    Object.keys(features),
    PICKAPIC_COLUMNS.map(({ name }) => name),
  );
  assert.deepEqual(features.jpg_0, { dtype: 'binary', _type: 'Value' });
  assert.deepEqual(features.label_0, { dtype: 'float64', _type: 'Value' });
  // A pair of images is neither compressed again nor kept as the least and greatest value of its column.
  const chunks = metadata.row_groups[0]!.columns.map(({ meta_data }) => meta_data!);
  const images = chunks.filter(({ path_in_schema }) => path_in_schema[0]!.startsWith('jpg'));
  assert.deepEqual(
    images.map(({ codec, statistics }) => [codec, statistics]),
    [
      ['UNCOMPRESSED', undefined],
      ['UNCOMPRESSED', undefined],
    ],
  );
});

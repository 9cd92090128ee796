/** What filters leave out, with the reason of each; pairs that are left out; the quality layout. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { encodePng } from '../../src/engine/png.ts';
import { versionOf } from '../../src/export/dataset-version.ts';
import { type FilterSettings, openFilter } from '../../src/export/filters.ts';
import { comparisonsOf } from '../../src/export/pairs.ts';
import { imageUid } from '../../src/export/rows.ts';
import { createRandom } from '../../src/random.ts';
import { temporaryFolder } from '../temporary.ts';
import { exportMadeUp, type MadeUp, METRICS, madeUp, POLICY, sha256, stream } from './made-up.ts';
import { readRows } from './read.ts';

const COUNT = 6;

/** Pictures of noise, no two alike, but: slot 1 of img-0000 is slot 0's file, slot 2 of it is slot 0 a little darker. */
async function world(): Promise<MadeUp> {
  const made = await madeUp(COUNT);
  made.images.clear();
  const random = createRandom(9);
  for (const [n, { candidates }] of made.annotations.entries()) {
    let first = new Uint8Array();
    for (const candidate of candidates) {
      let data = Uint8Array.from({ length: 3 * 32 * 32 }, () => random.int(200));
      if (candidate.slot === 0) first = data;
      if (n === 0 && candidate.slot === 1) data = first.slice();
      if (n === 0 && candidate.slot === 2) data = first.map((x) => Math.max(0, x - 1));
      const png = await encodePng({ width: 32, height: 32, data });
      candidate.sha256 = sha256(png);
      made.images.set(candidate.sha256, png);
    }
  }
  return made;
}
const made = await world();
const image = async (hash: string) => made.images.get(hash)!;

async function filtered(settings: FilterSettings) {
  const filter = openFilter(settings);
  const results = [];
  for (const annotation of made.annotations) results.push(await filter(annotation, image));
  return {
    kept: results.flatMap(({ annotation: { imgId, candidates } }) =>
      candidates.map(({ slot }) => imageUid(imgId, slot)),
    ),
    dropped: results.flatMap(({ dropped }) => dropped),
  };
}
const all = made.annotations.flatMap(({ imgId, candidates }) =>
  candidates.map((candidate) => ({ uid: imageUid(imgId, candidate.slot), ...candidate })),
);
const uids = (of: readonly { annotation_id: string; image_index: number }[]) =>
  of.map(({ annotation_id, image_index }) => imageUid(annotation_id, image_index));

test('a filter of nothing keeps all', async () => {
  assert.deepEqual(await filtered({}), { kept: all.map(({ uid }) => uid), dropped: [] });
});

test('a least reward: what is equal stays, what has none goes', async () => {
  const candidate = made.annotations[1]!.candidates[1]!;
  const was = candidate.reward;
  candidate.reward = null;
  try {
    const { kept, dropped } = await filtered({ minReward: 0.625 });
    const want = all.filter(({ uid, reward }) => uid !== 'img-0001-1' && reward! >= 0.625);
    assert.ok(want.some(({ reward }) => reward === 0.625) && want.length < all.length);
    assert.deepEqual(
      kept,
      want.map(({ uid }) => uid),
    );
    assert.deepEqual(
      [...kept, ...uids(dropped)].sort(),
      all.map(({ uid }) => uid),
    );
    assert.deepEqual(
      dropped.filter(({ annotation_id, image_index }) => annotation_id === 'img-0001' && image_index === 1),
      [
        {
          ...{ annotation_id: 'img-0001', image_index: 1, other_index: null },
          ...{ reason: 'reward', detail: 'the reward is missing, must be at least 0.625' },
        },
      ],
    );
  } finally {
    candidate.reward = was;
  }
});

test('least scores: of every metric that is named, and one that was not measured is below', async () => {
  const { kept, dropped } = await filtered({ minScores: { pickscore: 0.202, 't2i-2d-spatial': 0 } });
  const want = all.filter(({ uid }) => /img-000[024]-[23]/.test(uid));
  assert.deepEqual(
    kept,
    want.map(({ uid }) => uid),
  );
  assert.ok(dropped.some(({ detail }) => detail === 'pickscore is 0.2, must be at least 0.202'));
  assert.ok(dropped.some(({ detail }) => detail === 't2i-2d-spatial is missing, must be at least 0'));
});

test('near duplicates: the first stays, and what another filter dropped hides nothing', async () => {
  const both = await filtered({ nearDuplicates: 3 });
  assert.deepEqual(
    both.dropped.map(({ annotation_id, image_index, detail }) => [annotation_id, image_index, detail]),
    [
      ['img-0000', 1, 'the same file as img-0000-0'],
      ['img-0000', 2, both.dropped[1]!.detail],
    ],
  );
  assert.match(both.dropped[1]!.detail, /^[0-3] bits away from img-0000-0$/);
  // Slot 0 is below: slot 1, the same file, now stays, and slot 2 is near that.
  const { dropped } = await filtered({ nearDuplicates: 3, minReward: 0.5 });
  assert.deepEqual(
    dropped
      .filter(({ annotation_id }) => annotation_id === 'img-0000')
      .map(({ image_index, reason }) => [image_index, reason]),
    [
      [0, 'reward'],
      [2, 'near-duplicate'],
      [3, 'reward'],
    ],
  );
});

test('an image that is none is refused by the name of its candidate', async () => {
  const filter = openFilter({ nearDuplicates: 3 });
  await assert.rejects(
    filter(made.annotations[3]!, async () => Buffer.from('no image')),
    { code: 'DIPTYCH_BAD_FILE', message: "the image of img-0003-0 can't be decoded" },
  );
});

const DROP = { ...POLICY.pairs, ties: 'drop' as const };

test('of every two candidates that are compared it is told why they make no pair', () => {
  const annotation = structuredClone(made.annotations[4]!);
  annotation.candidates[3]!.width++;
  const told = (dominance: boolean, settings = DROP) =>
    Object.fromEntries(
      comparisonsOf(annotation, settings, dominance).map(({ pair: { winner, loser }, leftOut }) => [
        [winner.slot, loser.slot].sort().join(),
        leftOut,
      ]),
    );
  // Slots 0 and 1 tie; PickScore rises with the slot, so only winners of a later slot dominate.
  const { 2: two, 0: zero, 3: three } = annotation.candidates.map(({ reward }) => reward!);
  const won = (a: number, b: number) => (a > b ? null : 'dominance');
  assert.deepEqual(told(false), {
    '0,1': 'tie',
    '0,2': null,
    '1,2': null,
    '0,3': 'size',
    '1,3': 'size',
    '2,3': 'size',
  });
  assert.deepEqual(told(true), {
    '0,1': 'tie',
    '0,2': won(two!, zero!),
    '1,2': won(two!, zero!),
    '0,3': won(three!, zero!) ?? 'size',
    '1,3': won(three!, zero!) ?? 'size',
    '2,3': won(three!, two!) ?? 'size',
  });
  assert.equal(told(false, { ...DROP, ties: 'keep' as never })['0,1'], null);
});

test('filters are part of the version; without them it is what it was', () => {
  const header = (filters?: FilterSettings) => versionOf({ ...POLICY, ...(filters && { filters }) }).header;
  assert.deepEqual(JSON.parse(header()).filters, undefined);
  assert.deepEqual(JSON.parse(header({ minReward: 0.5 })).filters, { minReward: 0.5 });
  assert.equal(
    new Set([header(), header({}), header({ minReward: 0.5 }), header({ nearDuplicates: 0 })]).size,
    4,
  );
});

test('an export holds what stays, dropped.jsonl the rest, and manifest and card count it', async (t) => {
  const folder = await temporaryFolder(t);
  const pairs = { ...DROP, margin: 0.3 };
  const policy = { ...POLICY, pairs, filters: { minReward: 0.3, nearDuplicates: 3 } };
  const layouts = ['images', 'pickapic', 'scores', 'image-reward'] as const;
  const { files, pairs: count } = await exportMadeUp(made, `${folder}/export`, { policy, layouts });
  const read = (name: string) => readFile(`${folder}/export/${name}`, 'utf8');
  const lines = (await read('dropped.jsonl'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const gone = lines.filter(({ other_index }) => other_index === null);
  const rows = [
    ...(await readRows(`${folder}/export/images/data/train-00000-of-00001.parquet`)),
    ...(await readRows(`${folder}/export/images/data/validation-00000-of-00001.parquet`).catch(() => [])),
  ];
  const there = rows.map(({ annotation_id, image_index }) => `${annotation_id}-${image_index}`);
  assert.ok(there.length > 0 && gone.length > 2);
  assert.deepEqual(
    [...there, ...uids(gone)].sort(),
    all.map(({ uid }) => uid),
  );
  const manifest = JSON.parse(await read('manifest.json'));
  const counts: Record<string, number> = {};
  for (const { reason } of lines) counts[reason] = (counts[reason] ?? 0) + 1;
  assert.deepEqual(Object.keys(counts).sort(), ['near-duplicate', 'reward', 'tie']);
  assert.deepEqual(manifest.dropped, counts);
  assert.deepEqual(manifest.policy.filters, policy.filters);
  assert.equal(manifest.pairs, count);
  assert.equal(files.find(({ name }) => name === 'dropped.jsonl')!.rows, lines.length);
  const card = await read('images/README.md');
  assert.match(card, /^- filters: \{"minReward":0.3,"nearDuplicates":3\}$/m);
  assert.match(card, /^- left out: (\d+ (near-duplicate|reward|tie)(, )?){3}$/m);
  // Versions name what went in before the filters.
  assert.equal(manifest.candidates.count, all.length);
});

test('an annotation that lost all of its candidates leaves no row in any layout', async (t) => {
  const folder = await temporaryFolder(t);
  const policy = { ...POLICY, pairs: DROP, filters: { minReward: 2 } };
  const layouts = ['images', 'pickapic', 'scores', 'image-reward', 'hpdv3', 'arrow'] as const;
  const result = await exportMadeUp(made, `${folder}/export`, { policy, layouts });
  assert.deepEqual([result.candidates, result.pairs], [0, 0]);
  for (const { name, rows } of result.files)
    if (rows !== undefined && name !== 'dropped.jsonl') assert.equal(rows, 0, name);
});

test('the quality layout: a row per candidate with what it repeats, and the report beside it', async (t) => {
  const folder = await temporaryFolder(t);
  await exportMadeUp(made, `${folder}/export`, { layouts: ['quality'] });
  const rows = await readRows(`${folder}/export/quality/candidates.parquet`);
  assert.deepEqual(
    rows.map(({ annotation_id, image_index, sha256: hash }) => [`${annotation_id}-${image_index}`, hash]),
    all.map(({ uid, sha256: hash }) => [uid, hash]),
  );
  const repeating = rows.filter(({ repeats }) => repeats !== null);
  assert.deepEqual(
    repeating.map(({ image_index, repeats, exact }) => [image_index, repeats, exact]),
    [
      [1, 'img-0000-0', true],
      [2, 'img-0000-0', false],
    ],
  );
  const report = JSON.parse(await readFile(`${folder}/export/quality/quality.json`, 'utf8'));
  assert.deepEqual(report.repeats, { exact: 1, near: 1 });
  assert.deepEqual(Object.keys(report.metrics), METRICS);
  assert.deepEqual([report.annotations, report.candidates, report.rewards.count], [COUNT, 24, 24]);
  assert.equal(report.comparisons.compared, 6 * COUNT);
  assert.equal(report.version, rows[0]!.dataset_version);
  await exportMadeUp(made, `${folder}/again`, {
    layouts: ['quality'],
    annotations: stream(made.annotations),
  });
  assert.deepEqual(
    await readFile(`${folder}/again/quality/candidates.parquet`),
    await readFile(`${folder}/export/quality/candidates.parquet`),
  );
});

/** Exports in the hands of Python's datasets, pyarrow and Pillow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readVersion } from '../../src/export/dataset-version.ts';
import { LAYOUT_NAMES, LAYOUTS, type LayoutName } from '../../src/export/layouts/index.ts';
import { PICKAPIC_COLUMNS } from '../../src/export/layouts/pickapic.ts';
import { splitOf } from '../../src/export/rows.ts';
import { python, withoutPython } from '../python.ts';
import { temporaryFolder } from '../temporary.ts';
import { exportMadeUp, METRICS, madeUp, POLICY, rewardOf, stream } from './made-up.ts';

type Row = Record<string, unknown>;
interface Split {
  features: Record<string, string>;
  rows: Row[];
}
interface Layout {
  /** What load_dataset makes of the folder, and of data/*.parquet. */
  folder: Record<string, Split>;
  files: Record<string, Split>;
  /** Column types as pyarrow reads them. */
  arrow: Record<string, string>;
  card: { configs: unknown };
}
interface Seen {
  images: Layout;
  pickapic: Layout;
  preferred: { winner: string; loser: string; same_size: boolean; annotation_id: string }[];
  scores: { arrow: Record<string, string>; rows: Row[] };
}

const IMAGE_TYPES = {
  annotation_id: 'string',
  image_index: 'int32',
  prompt: 'string',
  scene_graph: 'string',
  image: 'struct<bytes: binary, path: string>',
  width: 'int32',
  height: 'int32',
  seed: 'int64',
  model: 'string',
  model_sha256: 'string',
  sampler: 'string',
  steps: 'int32',
  cfg: 'double',
  sha256: 'string',
  score_dpg: 'double',
  score_pickscore: 'double',
  score_t2i_2d_spatial: 'double',
  reward: 'double',
  reward_policy: 'string',
  dataset_version: 'string',
};
/** The nineteen columns of yuvalkirstain/pickapic_v2, in its order. */
const PICKAPIC_TYPES = {
  are_different: 'bool',
  best_image_uid: 'string',
  caption: 'string',
  created_at: 'timestamp[ms, tz=UTC]',
  has_label: 'bool',
  image_0_uid: 'string',
  image_0_url: 'string',
  image_1_uid: 'string',
  image_1_url: 'string',
  jpg_0: 'binary',
  jpg_1: 'binary',
  label_0: 'double',
  label_1: 'double',
  model_0: 'string',
  model_1: 'string',
  ranking_id: 'int64',
  user_id: 'int64',
  num_example_per_prompt: 'int64',
  __index_level_0__: 'int64',
};
/** Hugging Face's name of an Arrow type. */
const featureOf = (type: string) =>
  type.startsWith('struct') ? 'Image PIL.Image.Image' : `Value ${type === 'double' ? 'float64' : type}`;
const featuresOf = (types: Record<string, string>) =>
  Object.fromEntries(Object.entries(types).map(([name, type]) => [name, featureOf(type)]));

test('exports in Python', { skip: withoutPython }, async (t) => {
  const folder = await temporaryFolder(t);
  const world = await madeUp(40);
  await exportMadeUp(world, `${folder}/export`);
  const { version } = await readVersion(POLICY, stream(world.annotations));
  const seen = await python<Seen>('export/read_layouts.py', folder, `${folder}/export`);

  await t.test('the images layout: features, and every value as it went in', () => {
    const { folder, files, arrow } = seen.images;
    assert.deepEqual(Object.entries(arrow), Object.entries(IMAGE_TYPES));
    for (const split of [folder.train!, folder.validation!, files.train!]) {
      assert.deepEqual(Object.entries(split.features), Object.entries(featuresOf(IMAGE_TYPES)));
    }
    for (const split of ['train', 'validation'] as const) {
      const want = world.annotations
        .filter(({ imgId }) => splitOf(imgId) === split)
        .flatMap(({ imgId, prompt, body, candidates }) =>
          candidates.map(({ slot, seed, sha256, scores, reward }) => ({
            annotation_id: imgId,
            image_index: slot,
            prompt,
            scene_graph: JSON.stringify(body),
            image: world.pixels.get(sha256),
            width: 8,
            height: 8,
            seed,
            model: 'made-up',
            model_sha256: 'f'.repeat(64),
            sampler: 'ddim',
            steps: 20,
            cfg: 7.5,
            sha256,
            score_dpg: scores.dpg,
            score_pickscore: scores.pickscore,
            score_t2i_2d_spatial: scores['t2i-2d-spatial'] ?? null,
            reward,
            reward_policy: '{"policy":"mean","weights":{"dpg":1}}',
            dataset_version: version,
          })),
        );
      assert.ok(want.length > 0);
      assert.deepEqual(folder[split]!.rows, want);
    }
    assert.equal(files.train!.rows.length, 160);
  });

  await t.test(
    'the Pick-a-Pic layout: nineteen columns first, ours behind, the images as they went in',
    () => {
      const { folder, files, arrow } = seen.pickapic;
      assert.deepEqual(Object.entries(arrow).slice(0, 19), Object.entries(PICKAPIC_TYPES));
      const names = PICKAPIC_COLUMNS.map(({ name }) => name);
      for (const split of [folder.train!, folder.validation!, files.train!]) {
        assert.deepEqual(Object.keys(split.features), names);
        assert.deepEqual(
          Object.entries(split.features).slice(0, 19),
          Object.entries(featuresOf(PICKAPIC_TYPES)),
        );
      }
      const rows = [...folder.train!.rows, ...folder.validation!.rows];
      assert.equal(rows.length, 40 * 6);
      assert.equal(files.train!.rows.length, 40 * 6);
      const byUid = new Map<unknown, string>(
        world.annotations.flatMap(({ imgId, candidates }) =>
          candidates.map(({ slot, sha256 }) => [`${imgId}-${slot}`, sha256] as const),
        ),
      );
      for (const row of rows) {
        assert.equal(row.jpg_0, byUid.get(row.image_0_uid));
        assert.equal(row.jpg_1, byUid.get(row.image_1_uid));
      }
    },
  );

  await t.test("Diffusion-DPO's reader finds the right winner in every labelled row", () => {
    const want: string[] = [];
    for (const [n, { imgId, candidates }] of world.annotations.entries()) {
      const pixels = candidates.map(({ sha256 }) => world.pixels.get(sha256));
      for (let a = 0; a < 4; a++) {
        for (let b = 0; b < 4; b++) {
          if (rewardOf(n, a) > rewardOf(n, b)) want.push(`${imgId} ${pixels[a]} ${pixels[b]}`);
        }
      }
    }
    const got = seen.preferred.map((row) => `${row.annotation_id} ${row.winner} ${row.loser}`);
    assert.deepEqual(got.sort(), want.sort());
    assert.ok(seen.preferred.every((row) => row.same_size));
  });

  await t.test('the scores: types and values', () => {
    assert.deepEqual(Object.entries(seen.scores.arrow), [
      ['annotation_id', 'string'],
      ['image_index', 'int32'],
      ['sha256', 'string'],
      ['metric', 'string'],
      ['value', 'double'],
    ]);
    const want = world.annotations.flatMap(({ imgId, candidates }) =>
      candidates.flatMap(({ slot, sha256, scores }) =>
        Object.entries(scores).map(([metric, value]) => ({
          annotation_id: imgId,
          image_index: slot,
          sha256,
          metric,
          value,
        })),
      ),
    );
    assert.deepEqual(seen.scores.rows, want);
  });

  await t.test('the cards load and name the files of both splits', () => {
    const data_files = ['train', 'validation'].map((split) => ({ split, path: `data/${split}-*.parquet` }));
    for (const { card } of [seen.images, seen.pickapic]) {
      assert.deepEqual(card.configs, [{ config_name: 'default', data_files }]);
    }
  });
});

interface EverySeen {
  /** By layout with a card to load it by: features of the train split, and rows by split. */
  loaded: Record<string, { features: Record<string, string>; rows: Record<string, number> }>;
  /** Keys of every entry of the JSON layouts, and of every sample of the tars. */
  keys: Record<string, string[]>;
  pyarrow: Record<string, Record<string, string>>;
  scores: { pyarrow: unknown[]; duckdb: unknown[]; pandas: unknown[]; arrow: unknown[] };
  joined: number;
}

/** What an Arrow type of a column is called, by the type in its table. */
const ARROW: Record<string, string> = {
  string: 'string',
  int32: 'int32',
  int64: 'int64',
  float64: 'double',
  bool: 'bool',
  binary: 'binary',
  timestamp: 'timestamp[ms, tz=UTC]',
  image: 'struct<bytes: binary, path: string>',
};

test('every layout has the fields of its table, for the tools that read it', {
  skip: withoutPython,
}, async (t) => {
  const folder = await temporaryFolder(t);
  const world = await madeUp(40);
  const policy = { ...POLICY, pairs: { policy: 'all' as const, margin: 0, ties: 'drop' as const } };
  await exportMadeUp(world, `${folder}/export`, { policy, layouts: LAYOUT_NAMES });
  const seen = await python<EverySeen>('export/read_every_layout.py', folder, `${folder}/export`);
  const fields = (name: LayoutName) => LAYOUTS[name].fields([...METRICS].sort());

  for (const name of LAYOUT_NAMES.filter((layout) => LAYOUTS[layout].isParquet)) {
    const types = Object.fromEntries(fields(name).map((field) => [field.name, ARROW[field.type]!]));
    assert.deepEqual(Object.entries(seen.pyarrow[name]!), Object.entries(types), name);
    assert.deepEqual(Object.entries(seen.loaded[name]!.features), Object.entries(featuresOf(types)), name);
  }
  for (const name of ['hpdv3', 'image-reward', 'webdataset'] as const) {
    const names = fields(name).map((field) => field.name);
    assert.deepEqual(seen.keys[name], names.toSorted(), name);
    const features = Object.keys(seen.loaded[name]!.features).filter((key) => !key.startsWith('__'));
    assert.deepEqual(features.sort(), names.toSorted(), name);
  }

  const pairs = (split: string) =>
    world.annotations.filter(({ imgId }) => splitOf(imgId) === split).map((_, n) => n).length;
  assert.ok(pairs('validation') > 0);
  const rows = seen.loaded.pickapic!.rows;
  for (const name of ['binarized', 'hpdv3', 'webdataset']) {
    assert.deepEqual(seen.loaded[name]!.rows, rows, name);
  }
  assert.deepEqual(seen.loaded['image-reward']!.rows, {
    train: pairs('train'),
    validation: pairs('validation'),
  });

  const scores = world.annotations.flatMap(({ imgId, candidates }) =>
    candidates.flatMap(({ slot, sha256, scores }) =>
      METRICS.filter((metric) => metric in scores).map((metric) => [
        imgId,
        slot,
        sha256,
        metric,
        scores[metric]!,
      ]),
    ),
  );
  for (const reader of ['pyarrow', 'duckdb', 'pandas', 'arrow'] as const) {
    assert.deepEqual(seen.scores[reader], scores, reader);
  }
  // DuckDB joins scores to images by their hash.
  assert.equal(seen.joined, scores.length);
});

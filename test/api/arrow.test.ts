/** Rewards and pairs as Arrow streams, over real HTTP, and in Python as docs/sql.md shows it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { python, withoutPython } from '../python.ts';
import { temporaryFolder } from '../temporary.ts';
import { useApp } from './app.ts';
import { METRICS, scoredRun, scoreOf } from './scored-run.ts';

const context = await useApp();
const { send, listen } = context;
const ANNOTATIONS = 7;
const run = await scoredRun(context, ANNOTATIONS);
const base = `${await listen()}/v1/runs/${run}`;
const imgIds = Array.from({ length: ANNOTATIONS }, (_, i) => `s00${i}`);

const query = (values: Record<string, unknown>) =>
  new URLSearchParams(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );

async function rowsOf(name: string, values: Record<string, unknown> = {}) {
  const response = await fetch(`${base}/${name}.arrow?${query(values)}`);
  assert.equal(response.headers.get('content-type'), 'application/vnd.apache.arrow.stream');
  const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
  return table.toArray().map((row) => ({ ...row.toJSON() }) as Record<string, unknown>);
}

const mean = (imgId: string, slot: number) =>
  METRICS.reduce((sum, metric) => sum + scoreOf(imgId, slot, metric), 0) / METRICS.length;

test('rewards: every candidate with its scores and the reward of the run', async () => {
  const rows = await rowsOf('rewards');
  assert.deepEqual(
    rows.map(({ annotation_id, image_index, score_dpg, reward }) => [
      annotation_id,
      image_index,
      score_dpg,
      reward,
    ]),
    imgIds.flatMap((imgId) =>
      [0, 1].map((slot) => [imgId, slot, scoreOf(imgId, slot, 'dpg'), mean(imgId, slot)]),
    ),
  );
  assert.deepEqual([rows[1]!.seed, rows[1]!.model, rows[1]!.width], [8n, 'sample', 32]);
  assert.deepEqual(
    ['image', 'scene_graph', 'dataset_version'].filter((name) => name in rows[0]!),
    [],
  );
});

const DPG = { policy: 'mean', weights: { dpg: 1 } };
/** By DPG alone. */
const pairsByDpg = imgIds.map((imgId) => {
  const [a, b] = [0, 1].map((slot) => scoreOf(imgId, slot, 'dpg')) as [number, number];
  return b > a ? [imgId, 1, 0, b - a] : [imgId, 0, 1, a - b];
});

test('a reward and a pairing policy of the query count, as an export takes them', async () => {
  const rewards = await rowsOf('rewards', { reward: DPG, columns: 'reward,annotation_id' });
  assert.deepEqual(
    rewards,
    imgIds.flatMap((imgId) =>
      [0, 1].map((slot) => ({ reward: scoreOf(imgId, slot, 'dpg'), annotation_id: imgId })),
    ),
  );
  const pairs = async (policy: object) =>
    (
      await rowsOf('pairs', { reward: DPG, pairs: { policy: 'all', margin: 0, ties: 'drop', ...policy } })
    ).map(({ annotation_id, winner_index, loser_index, margin }) => [
      annotation_id,
      winner_index,
      loser_index,
      margin,
    ]);
  assert.deepEqual(await pairs({}), pairsByDpg);
  const wide = pairsByDpg.filter(([, , , margin]) => (margin as number) > 0.3);
  assert.ok(wide.length > 0 && wide.length < ANNOTATIONS);
  assert.deepEqual(await pairs({ margin: 0.3 }), wide);
});

test('columns are those asked for, in that order, of every stream', async () => {
  assert.deepEqual(Object.keys((await rowsOf('scores', { columns: 'value,metric,value' }))[0]!), [
    'value',
    'metric',
  ]);
  assert.deepEqual(Object.keys((await rowsOf('pairs', { columns: 'margin' }))[0]!), ['margin']);
});

test('what can not be is refused by its value, before anything is sent', async () => {
  const refused = async (name: string, values: Record<string, unknown>) => {
    const { status, body } = await send('GET', `/v1/runs/${run}/${name}.arrow?${query(values)}`);
    assert.equal(status, 400, JSON.stringify(body));
    return body.error.message;
  };
  assert.equal(
    await refused('scores', { columns: 'value,price' }),
    'columns names "price"; there are annotation_id, image_index, sha256, metric, value',
  );
  assert.match(await refused('rewards', { reward: '{' }), /^reward is "\{": /);
  assert.match(
    await refused('rewards', { reward: { policy: 'best', weights: {} } }),
    /^reward is \{"policy":"best","weights":\{\}\}: policy /,
  );
  assert.match(
    await refused('pairs', { pairs: { margin: -1 } }),
    /^pairs is \{"margin":-1\}: margin must be/,
  );
  assert.match(
    await refused('rewards', { reward: { policy: 'mean', weights: { x: 1 } } }),
    /names "x"; measured are/,
  );
  assert.match(await refused('pairs', { scores: { dpg: 'fixed/9' } }), /^scores.dpg is "fixed\/9"/);
  const unknown = await send('GET', '/v1/runs/00000000-0000-4000-8000-000000000000/pairs.arrow');
  assert.equal(unknown.status, 404);
});

test('DuckDB, pandas and polars read the streams straight from their URLs', {
  skip: withoutPython,
}, async (t) => {
  interface Read {
    duckdb: unknown[];
    types: Record<string, string>;
    pandas: [string, number, number][];
    polars: unknown[];
  }
  const read = await python<Read>('api/read_streams.py', await temporaryFolder(t), base);
  const values = (metric: string) =>
    imgIds.flatMap((imgId) => [0, 1].map((slot) => scoreOf(imgId, slot, metric)));
  assert.deepEqual(
    read.duckdb,
    METRICS.map((metric) => [
      metric,
      2 * ANNOTATIONS,
      Math.min(...values(metric)),
      Math.max(...values(metric)),
    ]),
  );
  assert.deepEqual(
    read.pandas,
    pairsByDpg.map(([imgId, winner]) => [imgId, winner, scoreOf(imgId as string, winner as number, 'dpg')]),
  );
  assert.deepEqual(read.polars, pairsByDpg);
  assert.deepEqual(Object.entries(read.types).slice(0, 6), [
    ['annotation_id', 'string'],
    ['image_index', 'int32'],
    ['prompt', 'string'],
    ['width', 'int32'],
    ['height', 'int32'],
    ['seed', 'int64'],
  ]);
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ARMS, LEARNING_RATES } from '../../pipelines/study/arms.ts';
import type { Cell, CellResult } from '../../pipelines/study/cell.ts';
import { findingOf, REPORTED, stepsTo } from '../../pipelines/study/findings.ts';
import { grainOf } from '../../pipelines/study/grain.ts';
import { chosen, plannedCells, tuningCells } from '../../pipelines/study/plan.ts';
import { openResults, type Results } from '../../pipelines/study/results.ts';
import { COMPARED_SEEDS, studyScenes, TUNING_SEED } from '../../pipelines/study/scenes.ts';
import { withTables } from '../../pipelines/study/tables.ts';
import { promptText } from '../../src/annotations/prompt.ts';
import type { RgbImage } from '../../src/engine/image.ts';
import { createRandom } from '../../src/random.ts';
import { temporaryFolder } from '../temporary.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const DPO = ARMS.find(({ name }) => name === 'diffusion-dpo')!;

/** A result whose every metric is `level` in every scene. */
function resultOf(level: number, guidances?: readonly number[]): CellResult {
  const flat = [level, level, level, level];
  return {
    pairs: 10,
    curve: [
      { step: 50, reward: level / 2 },
      { step: 150, reward: level },
    ],
    measured: Object.fromEntries(REPORTED.map((name) => [name, flat])),
    diversity: 0.5,
    telemetry: { loss: [], accuracy: [], winnerError: [], loserError: [] },
    secondsPerStep: 1,
    drawn: guidances?.map((guidance) => ({ guidance, reward: flat.map((x) => x / guidance), grain: 7 })),
  };
}

async function emptyResults(t: TestContext): Promise<{ file: string; results: Results }> {
  const file = path.join(await temporaryFolder(t), 'data', 'results.jsonl');
  return { file, results: openResults(file) };
}

const missingCells = (results: Results) => plannedCells(results).filter((cell) => !results.of(cell));

/** Makes what is planned until nothing is missing, or no cell is wanted any more. */
function makeAll(results: Results, levelOf: (cell: Cell) => number, wanted = (_: Cell) => true): void {
  for (;;) {
    const cell = missingCells(results).find(wanted);
    if (!cell) return;
    results.add(cell, resultOf(levelOf(cell), cell.guidances), 'a test');
  }
}

test("no scene of the study stands in two places, and pretraining's are in none", () => {
  const { curated, validation, heldOut } = studyScenes();
  const all = [...curated.values(), validation, heldOut].flat();
  assert.equal(new Set(all.map(promptText)).size, all.length);
  assert.equal(new Set(all.map(({ img_id }) => img_id)).size, all.length);
  assert.deepEqual([...curated.keys()], [TUNING_SEED, ...COMPARED_SEEDS]);
  assert.deepEqual(studyScenes(), { curated, validation, heldOut }, 'and they are the same every time');
});

test('every objective is tuned over equally many settings, and compared with the best of them alone', async (t) => {
  const { results } = await emptyResults(t);
  // Best at the middle rate and the highest beta.
  const levelOf = ({ train }: Cell) =>
    train ? 1 - Math.abs(Math.log(train.learningRate! / LEARNING_RATES[1])) + (train.beta ?? 0) / 1e6 : 0;
  assert.equal(tuningCells(DPO, results).length, LEARNING_RATES.length, 'betas wait for the rate');
  makeAll(results, levelOf);
  const counts = ARMS.map((arm) => tuningCells(arm, results).length);
  assert.deepEqual(new Set(counts), new Set([5]));
  assert.equal(chosen(DPO, results)!.train!.learningRate, LEARNING_RATES[1]);
  assert.equal(chosen(DPO, results)!.train!.beta, DPO.betas![2]);
  const compared = results.lines.filter(({ cell }) => cell.part === 'compare' && cell.arm === DPO.name);
  assert.deepEqual(
    compared.map(({ cell }) => [cell.seed, cell.train!.beta]),
    COMPARED_SEEDS.map((seed) => [seed, DPO.betas![2]]),
  );
});

test('an arm is not chosen, nor compared, before all its settings are measured', async (t) => {
  const { results } = await emptyResults(t);
  makeAll(
    results,
    () => 1,
    (cell) => cell.arm === DPO.name && cell.train!.beta !== DPO.betas![0],
  );
  assert.equal(chosen(DPO, results), undefined);
  assert.ok(!plannedCells(results).some(({ part, arm }) => part === 'compare' && arm === DPO.name));
});

test('results outlive a kill in the middle of a line', async (t) => {
  const { file, results } = await emptyResults(t);
  const [first, second] = plannedCells(results) as [Cell, Cell];
  results.add(first, resultOf(0.25), 'a test');
  results.add(second, resultOf(0.5), 'a test');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.slice(0, -20));
  const again = openResults(file);
  assert.equal(again.of(first)!.result.measured.reward![0], 0.25);
  assert.equal(again.of(second), undefined, 'the cut one is made again');
  again.add(second, resultOf(0.75), 'a test');
  const { lines } = openResults(file);
  assert.deepEqual(
    lines.map(({ result }) => result.measured.reward![0]),
    [0.25, 0.75],
  );
});

test('a finding compares the seeds as pairs, annotation by annotation', () => {
  const cell = (seed: number): Cell => ({
    ...{ part: 'compare', arm: 'a', seed, train: { learningRate: 1, beta: 2 } },
    reward: { policy: 'mean', weights: {} },
    pairs: { policy: 'all', margin: 0, ties: 'drop' },
  });
  const line = (seed: number, values: number[]) => ({
    cell: cell(seed),
    result: { ...resultOf(0), measured: Object.fromEntries(REPORTED.map((name) => [name, values])) },
    ...{ machine: '', at: '' },
  });
  const bases = [line(1, [0, 1]), line(2, [0.5, 0.5])];
  const finding = findingOf('a', [line(2, [1, 1]), line(1, [0.5, 1])], bases)!;
  assert.deepEqual(
    finding.bySeed,
    [
      { seed: 1, difference: 0.25 },
      { seed: 2, difference: 0.5 },
    ],
    'each seed against its own base',
  );
  // Annotations' means over the seeds: 0.75 and 1 against 0.25 and 0.75.
  assert.equal(finding.metrics.dpg!.difference, 0.375);
  assert.equal(finding.metrics.dpg!.count, 2);
  assert.equal(findingOf('a', [line(1, [1, 1])], bases), undefined, 'a seed is missing');
});

test('steps to a reward lie on the line between two points of the curve', () => {
  const curve = [
    { step: 0, reward: 0.5 },
    { step: 50, reward: 0.4 },
    { step: 100, reward: 0.8 },
  ];
  assert.equal(stepsTo(curve, 0.6), 75);
  assert.equal(stepsTo(curve, 0.5), 0);
  assert.equal(stepsTo(curve, 0.81), null);
});

test('the page has a place for every table, and its words stay', async (t) => {
  const { results } = await emptyResults(t);
  makeAll(results, ({ train }) => (train?.objective === 'sft' ? 0.2 : train ? 0.6 : 0.5));
  const page = readFileSync(path.join(ROOT, 'docs', 'study.md'), 'utf8');
  const made = withTables(page, results);
  assert.match(made, /\| diffusion-dpo +\| [\d.e-]+ +\| \d+ +\| \+0\.100 \[\+0\.100, \+0\.100\]/);
  assert.match(made, /\| sft .*-0\.300/);
  assert.match(made, /\| base +\| 3 +\| \+0\.000 .*\| 7\.0/);
  assert.match(
    made,
    /\| diffusion-dpo +\| 2 +\| \+0\.133 /,
    'against the base at the highest guidance: 0.6 / 2 - 0.5 / 3',
  );
  const timesteps = made.split('<!-- table: timesteps -->')[1]!.split('<!-- end -->')[0]!;
  assert.deepEqual(
    [...timesteps.matchAll(/^\| (\w.*?) +\|/gm)].map(([, name]) => name),
    ['one of 16 pairs', 'one of 4 pairs', 'trajectory of 4 pairs'],
    'what is asked, after what it is asked of',
  );
  const words = (text: string) => text.replace(/<!-- table: .*?<!-- end -->/gs, '');
  assert.equal(words(made), words(page));
  assert.equal(withTables(made, results), made, 'made twice, it is the same');
  assert.throws(() => withTables('no marks', results), /no place for the table/);
});

test("an image's grain is its noise: that of a plane is 0, that of normal noise its deviation", () => {
  const [width, height] = [120, 120];
  const imageOf = (grey: (x: number, y: number) => number): RgbImage => ({
    ...{ width, height },
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return grey(pixel % width, Math.floor(pixel / width));
    }),
  });
  assert.equal(grainOf(imageOf((x, y) => 10 + x + y)), 0);
  const random = createRandom(1);
  const noise = Array.from({ length: width * height }, () => Math.round(120 + 8 * random.normal()));
  const grain = grainOf(imageOf((x, y) => noise[y * width + x]!));
  // 13,924 responses that overlap: within three hundredths.
  assert.ok(Math.abs(grain / 8 - 1) < 0.03, `${grain}`);
});

test('what cannot be asked of the study is quoted, before anything is made', () => {
  for (const [asked, told] of [
    [['--onyl', 'x'], /--onyl/],
    [['--most', 'few'], /--most is "few", must be a whole number/],
    [['--most=-1'], /--most is "-1"/],
    [['--only', 'no such arm'], /--only "no such arm" is in no line of --list/],
  ] as const) {
    const { status, stderr } = spawnSync(
      'node',
      ['setup/launch.mjs', 'pipelines/study.ts', ...asked, '--list'],
      {
        encoding: 'utf8',
      },
    );
    assert.match(stderr, told);
    assert.equal(status, 2, stderr);
  }
});

/** From the benchmarks' files over stored scores to their result files, which Python computes again by itself. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { pythonNumber } from '../../src/benchmarks/python-number.ts';
import { hashSeed } from '../../src/random.ts';
import type { ScoringMode } from '../../src/scoring/metric.ts';
import type { ScoringPorts } from '../../src/scoring/ports.ts';
import { scoreImages } from '../../src/scoring/score.ts';
import { findSet, listAnnotations } from '../../src/store/annotations.ts';
import { insertCandidates, insertScores } from '../../src/store/candidates.ts';
import { places } from '../../src/store/places.ts';
import { writeBenchmarkResults } from '../../workers/score/benchmark-results.ts';
import { useApp } from '../api/app.ts';
import { python, withoutPython } from '../python.ts';

const app = await useApp();
const { store, folder } = app;
const where = { ...places(), runFolder: (run: string) => path.join(folder, run) };

const SIDE = 8;
const IMAGES = 3;
/** Anything that differs between images and texts. */
const chance = (image: { data: Uint8Array }, text: string) =>
  hashSeed('test', image.data[0]!, text) / 2 ** 32;
const scorer = {
  name: 'chance',
  score: async (images: readonly { data: Uint8Array }[], texts: readonly string[]) =>
    texts.map((text, i) => ({ cosine: chance(images[i]!, text), scale: 1 })),
};
const ports: ScoringPorts = {
  answerer: {
    name: 'chance',
    answer: async (image, questions) =>
      questions.map((question) => {
        const yes = chance(image, question);
        return { answer: yes > 0.4 ? 'yes' : 'no', yes };
      }),
  },
  detector: {
    name: 'chance',
    detect: async (image, labels) =>
      labels.map((label) => {
        const at = chance(image, label);
        return { label, box: [8 * at, 0, 8 * at + 1, 1] as const, confidence: at };
      }),
  },
  clip: scorer,
  pick: scorer,
};

/** Sends a file, draws nothing, scores what nobody sees, and writes the results. */
async function resultsOf(set: string, query: string, file: string, mode: ScoringMode) {
  const answer = await app.app.inject({
    method: 'POST',
    url: `/v1/annotation-sets/${set}/prompts?${query}`,
    payload: file,
    headers: { 'content-type': 'text/plain' },
  });
  assert.equal(answer.statusCode, 200, answer.body);
  const { id: setId } = await findSet(store, set);
  const { id: runId } = await store.run.create({
    data: { kind: 'curate', setId, status: 'succeeded', settings: {} },
  });
  for (const { id, body } of await listAnnotations(store, setId, '', 100)) {
    const subjects = Array.from({ length: IMAGES }, (_, slot) => ({
      annotation: body,
      image: { width: SIDE, height: SIDE, data: new Uint8Array(3 * SIDE * SIDE).fill(slot) },
    }));
    const scored = await scoreImages(subjects, ports, mode);
    await store.$transaction(async (tx) => {
      const rows = subjects.map((_, slot) => ({
        ...{
          runId,
          annotationId: id,
          variant: 'curated' as const,
          slot,
          seed: slot,
          width: SIDE,
          height: SIDE,
        },
        ...{ requestHash: `${id}/${slot}`, sha256: 'none' },
        generation: { model: 'm', modelHash: 'h', sampler: 'ddim', steps: 1, guidance: 1 },
      }));
      await insertCandidates(tx, rows);
      const candidates = await tx.candidate.findMany({ where: { runId, annotationId: id } });
      await insertScores(
        tx,
        candidates.flatMap(({ id: candidateId, slot }) =>
          scored[slot]!.scores.map((score) => ({ candidateId, ...score })),
        ),
      );
    });
  }
  const files = await writeBenchmarkResults({ store, places: where }, runId, ['curated'], mode);
  return { runId, files };
}

const HEADER =
  'item_id,text,keywords,proposition_id,dependency,category_broad,category_detailed,tuple,question_natural_language';
const dpgCsv = `${HEADER}\n${['b', 'a', '12']
  .flatMap((id) => [
    `${id},Prompt ${id},,1,0,entity,whole,entity - whole (hat ${id}),"Is there a hat, ${id}?"`,
    `${id},Prompt ${id},,2,1,attribute,color,"attribute - color (hat ${id}, red)",Is the hat ${id} red?`,
    `${id},Prompt ${id},,3,2,attribute,size,"attribute - size (hat ${id}, big)",Is the hat ${id} big?`,
    `${id},Prompt ${id},,4,0,global,,global - (photo),Is it a photo ${id}?`,
  ])
  .join('\n')}\n`;

const near = (got: number, want: number) =>
  assert.ok(Math.abs(got - want) < 1e-9, `${got}, expected ${want}`);

for (const mode of ['fixed', 'compat'] as const) {
  test(`DPG-Bench's results in ${mode} are what its script makes of the same answers`, {
    skip: withoutPython,
  }, async () => {
    const { runId, files } = await resultsOf(`dpg-${mode}`, 'format=dpg-bench', dpgCsv, mode);
    assert.deepEqual(Object.keys(files), [
      'dpg-bench/curated/dpg-bench_results.txt',
      'dpg-bench/curated/dpg-bench_results_detail.txt',
    ]);
    const csv = path.join(folder, 'dpg.csv');
    await writeFile(csv, dpgCsv);
    const want = await python<{
      images: Record<string, number[]>;
      L1: Record<string, number>;
      L2: Record<string, number>;
      score: number;
    }>('benchmarks/official.py', folder, csv, path.join(folder, runId, 'dpg-bench/curated'), mode);
    const lines = (await readFile(files['dpg-bench/curated/dpg-bench_results.txt']!, 'utf8')).split('\n');
    const model = lines.indexOf('Model: curated');
    const images = lines.slice(0, model).map((line) => line.split(', '));
    // The published code loses the prompt that the CSV's first row asks about.
    const prompts = mode === 'fixed' ? ['12', 'a', 'b'] : ['12', 'a'];
    assert.deepEqual(
      images.map(([file]) => file),
      prompts.map((id) => `dpg-bench/curated/${id}.png`),
    );
    for (const [file, ...scores] of images) {
      assert.equal(scores.length, IMAGES + 1);
      for (const [i, score] of scores.entries()) near(Number(score), want.images[file!]![i]!);
    }
    const between = (from: string, to: string) =>
      Object.fromEntries(
        lines
          .slice(
            lines.indexOf(from) + 1,
            lines.findIndex((line) => line.startsWith(to)),
          )
          .map((line) => /^\t(.*): (.*)$/.exec(line)!.slice(1) as [string, string]),
      );
    for (const [got, wanted] of [
      [between('L1 category scores:', 'L2'), want.L1],
      [between('L2 category scores:', 'Image path'), want.L2],
    ] as const) {
      assert.deepEqual(Object.keys(got).sort(), Object.keys(wanted).sort());
      for (const [name, value] of Object.entries(got)) near(Number(value), wanted[name]!);
    }
    near(Number(/^DPG-Bench score: (.*)$/.exec(lines.at(-2)!)![1]), want.score);
    const details = (await readFile(files['dpg-bench/curated/dpg-bench_results_detail.txt']!, 'utf8')).split(
      '\n',
    );
    assert.match(
      details[0]!,
      /^dpg-bench\/curated\/12\.png, \(0, 0, 8, 8\), Is there a hat, 12\?, (yes|no)$/,
    );
    assert.ok(
      details.some((line) => line.includes('(0, 8, 8, 16)')),
      'the third image lies below the first',
    );
  });
}

const COMPLEX = {
  'The soft hat was on top of the hard box.': 'spatial',
  'The grey stone was resting on the brown mat.': 'action',
  'The smooth lake lay next to the tall tower.': 'thirds',
};

test("T2I-CompBench's complex results: four files that 3_in_1.py agrees with", {
  skip: withoutPython,
}, async () => {
  const file = Object.keys(COMPLEX).join('\n');
  const { runId, files } = await resultsOf(
    'complex',
    'format=t2i-compbench&category=complex',
    file,
    'compat',
  );
  const place = 't2i-compbench/curated/complex';
  assert.deepEqual(
    Object.keys(files).map((name) => name.replace(`${place}/`, '')),
    [
      'annotation_blip/vqa_result.json',
      'annotation_blip/blip_vqa_score.txt',
      'labels/annotation_obj_detection_2d/vqa_result.json',
      'labels/annotation_obj_detection_2d/avg_score.txt',
      'labels/annotation_obj_detection_2d/mapping.json',
      'annotation_clip/vqa_result.json',
      'annotation_3_in_1/vqa_result.json',
      'annotation_3_in_1/vqa_score.txt',
    ],
  );
  const rules = Object.values(COMPLEX).flatMap((rule) => Array(IMAGES).fill(rule));
  const want = await python<{ answers: number[]; blip: number; spatial: number; total: number }>(
    ...([
      'benchmarks/official.py',
      folder,
      't2i',
      path.join(folder, runId, place),
      JSON.stringify(rules),
    ] as const),
  );
  const text = (name: string) => readFile(files[`${place}/${name}`]!, 'utf8');
  const answers = JSON.parse(await text('annotation_3_in_1/vqa_result.json')) as {
    question_id: number;
    answer: number;
  }[];
  assert.deepEqual(
    answers.map(({ question_id }) => question_id),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  );
  for (const [i, { answer }] of answers.entries()) near(answer, want.answers[i]!);
  assert.ok(new Set(want.answers).size === 9, 'the images differ');
  const score = async (name: string) => Number((await text(name)).split(':')[1]);
  near(await score('annotation_blip/blip_vqa_score.txt'), want.blip);
  near(await score('labels/annotation_obj_detection_2d/avg_score.txt'), want.spatial);
  near(await score('annotation_3_in_1/vqa_score.txt'), want.total);
  const blip = JSON.parse(await text('annotation_blip/vqa_result.json')) as { answer: unknown }[];
  for (const { answer } of blip) assert.match(String(answer), /^[01]\.\d{4}$/);
  const mapping = JSON.parse(await text('labels/annotation_obj_detection_2d/mapping.json')) as unknown[];
  assert.deepEqual(mapping[4], {
    image: 'The grey stone was resting on the brown mat._000004.png',
    question_id: 4,
  });
});

test('each category has the files of its own evaluators; 3D relations and numbers have none', async () => {
  for (const [category, prompt, names] of [
    [
      'color',
      'a red hat and a blue box',
      ['annotation_blip/vqa_result.json', 'annotation_blip/blip_vqa_score.txt'],
    ],
    ['non_spatial', 'A man is waving.', ['annotation_clip/vqa_result.json']],
    ['numeracy', 'two hats', []],
  ] as const) {
    const { files } = await resultsOf(category, `format=t2i-compbench&category=${category}`, prompt, 'fixed');
    assert.deepEqual(
      Object.keys(files),
      names.map((name) => `t2i-compbench/curated/${category}/${name}`),
    );
  }
});

test('numbers are printed as Python prints them', () => {
  const printed = { 0: '0.0', 75: '75.0', 0.5: '0.5', 0.00001: '1e-05', 0.0001: '0.0001', 1.5e-7: '1.5e-07' };
  for (const [value, text] of Object.entries(printed)) assert.equal(pythonNumber(Number(value)), text);
  assert.equal(pythonNumber(1 / 3), '0.3333333333333333');
  assert.equal(pythonNumber(Number.NaN), 'nan');
});

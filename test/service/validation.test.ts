/** A run that measures its training, through the real service: what is measured, kept, told and shown. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openClient } from '../../clients/typescript/client.ts';
import { isHeldOut } from '../../pipelines/stages.ts';
import { encodePng } from '../../src/engine/png.ts';
import { computeInChains } from '../../src/engine/threads.ts';
import type { ValidationCurve } from '../../src/evaluation/validation-curves.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { hashSeed } from '../../src/random.ts';
import { listAnnotations } from '../../src/store/annotations.ts';
import type { Curves } from '../../src/training/curves.ts';
import type { ValidationEntry } from '../../src/training/validation/validation-entry.ts';
import { startNumericThread } from '../../workers/numeric/client.ts';
import { pairsOfRun } from '../../workers/rewarded.ts';
import { elements, parseHtml, textOf } from '../evaluation/markup.ts';
import { scenes } from '../scenes.ts';
import { SET, startHome } from './home.ts';

const SAMPLE = path.resolve(import.meta.dirname, '../../models/sample');
const ANNOTATIONS = scenes(16);
const [HELD_OUT, MEASURED, SEED] = [0.25, 5, 3];
const sampling = { steps: 3, guidance: 2 };

test('a run measures its training on annotations that it neither trains on nor is compared on', {
  timeout: 300_000,
}, async (t) => {
  const { service, store } = await startHome(t, ANNOTATIONS);
  const client = openClient(service.url);
  const settings = {
    ...{ seed: SEED, candidates: 3, heldOutFraction: HELD_OUT, sampling },
    reward: { policy: 'zmean' as const, weights: { dpg: 1, 'clip-score': 1 } },
    train: {
      ...{ steps: 5, pairsPerStep: 2, inversionSteps: 3, learningRate: 1e-4, warmUp: 0 },
      validation: { every: 2, annotations: MEASURED },
    },
  };
  const asked = await client.createRun({ kind: 'curate-then-train', annotationSet: SET, settings });
  const run = await client.watchRun(asked.id, () => {});
  assert.deepEqual([run.status, run.error], ['succeeded', null]);
  const artifacts = await client.artifacts(run.id);
  const pathOf = (name: string) => artifacts.find((file) => file.name === name)!.path;
  const read = (name: string) => readFile(pathOf(name), 'utf8');
  const names = artifacts.map(({ name }) => name);
  for (const step of [0, 2, 4, 5]) assert.ok(names.includes(`validation/step-${step}.png`));

  const lines = (await read('validation.jsonl')).trimEnd().split('\n');
  const entries = lines.map((line) => JSON.parse(line) as ValidationEntry);
  assert.deepEqual(
    entries.map(({ step }) => step),
    [0, 2, 4, 5],
  );
  const ids = entries[0]!.images.map(({ id }) => id);
  assert.deepEqual([ids.length, ids.filter((id) => isHeldOut(id, HELD_OUT))], [MEASURED, []]);

  // The measured ones make no pairs.
  const stored = (await store.run.findUniqueOrThrow({ where: { id: run.id } })).settings as never;
  const { pairs, candidates } = await pairsOfRun(store, run.id, stored, 0);
  const trainedOn = pairs.filter(({ annotationId }) => !ids.includes(annotationId));
  assert.ok(trainedOn.length > 0 && trainedOn.length < pairs.length);
  const summary = JSON.parse(await read('summary.json')) as {
    pairs: number;
    validation: { bestStep: number; curves: ValidationCurve[] };
  };
  assert.equal(summary.pairs, trainedOn.length);

  // Base and tuned model again, image by image, on the scales of the candidates, in as many chains as the train worker.
  computeInChains();
  const numeric = startNumericThread();
  t.after(() => numeric.close());
  const bodyOf = new Map(ANNOTATIONS.map((annotation) => [annotation.img_id, annotation]));
  const { setId } = await store.run.findUniqueOrThrow({ where: { id: run.id } });
  const promptOf = new Map((await listAnnotations(store, setId, '', 99)).map((a) => [a.imgId, a.prompt]));
  const requests = ids.map((id) => ({
    prompt: textPrompt(promptOf.get(id)!),
    seed: hashSeed('validation', SEED, id),
  }));
  const folders = {
    ...{ clip: path.join(SAMPLE, 'clip'), pick: path.join(SAMPLE, 'clip') },
    ...{ answerer: null, detector: null, answers: '' },
  };
  const scale = (metric: string) => {
    const values = candidates.map(({ scores }) => scores[metric]!);
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
    return (value: number) => (variance === 0 ? value - mean : (value - mean) / Math.sqrt(variance));
  };
  const [dpg, clip] = [scale('dpg'), scale('clip-score')];
  const { bestStep } = summary.validation;
  for (const [model, step] of [
    [path.join(SAMPLE, 'diffusion'), 0],
    [pathOf('model'), bestStep],
  ] as const) {
    const images = await numeric.call('generate', { model, requests, ...sampling });
    const subjects = await Promise.all(
      images.map(async (image, i) => ({
        annotation: bodyOf.get(ids[i]!)!,
        png: await encodePng(image),
      })),
    );
    const scores = await numeric.call('score', { folders, mode: 'fixed', subjects });
    const { images: measured } = entries.find((entry) => entry.step === step)!;
    for (const [i, { scores: again }] of scores.entries()) {
      const metrics = Object.fromEntries(again.map(({ metric, value }) => [metric, value]));
      assert.deepEqual(measured[i]!.metrics, metrics);
      const reward = (dpg(metrics.dpg!) + clip(metrics['clip-score']!)) / 2;
      assert.ok(Math.abs(measured[i]!.reward! - reward) < 1e-9, `${measured[i]!.reward} is not ${reward}`);
    }
  }
  const gain = ({ images }: ValidationEntry) =>
    images.reduce((sum, { reward }, i) => sum + reward! - entries[0]!.images[i]!.reward!, 0);
  const best = Math.max(...entries.slice(1).map(gain));
  assert.equal(gain(entries.find(({ step }) => step === bestStep)!), best);

  // Told in the log, served as curves, shown in the report.
  const told = await store.event.findMany({ where: { runId: run.id, type: 'train-validated' } });
  assert.deepEqual(told.map(({ data }) => (data as { step: number }).step).sort(), [0, 2, 4, 5]);
  const answer = await fetch(`${service.url}/v1/runs/${run.id}/telemetry`);
  const curves = (await answer.json()) as Curves;
  assert.equal(curves.bestStep, bestStep);
  assert.deepEqual(curves.curves['validation/dpg']!.steps, [0, 2, 4, 5]);
  const png = await fetch(`${service.url}/v1/runs/${run.id}/artifacts/validation/step-4.png`);
  assert.deepEqual([png.status, (await png.bytes()).slice(1, 4)], [200, new TextEncoder().encode('PNG')]);
  const reward = summary.validation.curves[0]!;
  assert.deepEqual([reward.name, reward.points.map(({ step }) => step)], ['reward', [0, 2, 4, 5]]);
  const page = parseHtml(await read('report.html'));
  assert.ok(
    elements(page, 'dd')
      .map(textOf)
      .some((fact) => fact.startsWith(`step ${bestStep} of 5, the best`)),
  );
  const labels = elements(page, 'svg').map(({ attributes }) => attributes['aria-label']);
  for (const name of ['reward', 'dpg', 'clip-score']) {
    assert.ok(labels.includes(`${name} over training steps`), name);
  }
});

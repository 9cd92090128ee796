/** An evaluation of two model folders through the real service: equal seeds, the paper's tables, Frechet distances. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openClient } from '../../clients/typescript/client.ts';
import type { Comparison } from '../../src/evaluation/bootstrap.ts';
import type { FrechetResult, PaperTable } from '../../src/evaluation/paper-tables.ts';
import { listScored } from '../../src/store/candidates.ts';
import { elements, parseHtml, textOf } from '../evaluation/markup.ts';
import { goldenCase } from '../golden.ts';
import { scenes } from '../scenes.ts';
import { temporaryFolder } from '../temporary.ts';
import { writeChangedModel } from './changed-model.ts';
import { SET, startHome } from './home.ts';

const ANNOTATIONS = scenes(10);
const SAMPLES = 2;

interface Summary {
  annotations: number;
  optimizerSteps: number;
  metrics: Record<string, Comparison>;
  tables: PaperTable[];
  frechet: FrechetResult[];
}

test('two folders are compared on every annotation, without a run that trained', {
  timeout: 240_000,
}, async (t) => {
  const folder = await temporaryFolder(t);
  const changed = await writeChangedModel(folder);
  const golden = await goldenCase('inception');
  const realImages = path.join(folder, 'photographs');
  await mkdir(realImages);
  for (const name of ['small.png', 'large.png']) {
    await cp(path.join(golden.folder, name), path.join(realImages, name));
  }

  const { service, store } = await startHome(t, ANNOTATIONS);
  const client = openClient(service.url);
  const evaluate = async (tuned: string, evaluation: object): Promise<[string, Summary, string]> => {
    const settings = {
      compare: { base: 'sample', tuned },
      heldOutFraction: 1,
      sampling: { steps: 2 },
      evaluation: { samples: SAMPLES, ...evaluation },
    };
    const asked = await client.createRun({ kind: 'evaluate', annotationSet: SET, settings });
    const run = await client.watchRun(asked.id, () => {});
    assert.deepEqual([run.status, run.error], ['succeeded', null]);
    const artifacts = await client.artifacts(run.id);
    const read = (name: string) => readFile(artifacts.find((file) => file.name === name)!.path, 'utf8');
    return [run.id, JSON.parse(await read('summary.json')) as Summary, await read('report.html')];
  };

  const inception = path.join(golden.folder, 'model', 'inception.safetensors');
  const [runId, summary, report] = await evaluate(changed, { inception, realImages });
  const images = ANNOTATIONS.length * SAMPLES;
  const [base, tuned] = [
    await listScored(store, runId, 'base', { limit: 100 }),
    await listScored(store, runId, 'tuned', { limit: 100 }),
  ];
  assert.deepEqual([base.length, tuned.length], [images, images]);
  for (const [i, { seed, imgId, slot, sha256, generation }] of base.entries()) {
    const other = tuned[i]!;
    assert.deepEqual([other.imgId, other.slot, other.seed], [imgId, slot, seed]);
    assert.notEqual(other.sha256, sha256);
    assert.deepEqual([generation.model, other.generation.model], ['sample', changed]);
  }

  const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const [first, second] = summary.tables;
  assert.deepEqual(
    [first, second].map((table) => table!.columns.map(({ name }) => name)),
    [
      ['PickScore', 'CLIP'],
      ['FID', 'CLIP', 'SG-IoU', 'Entity-IoU', 'Relation-IoU'],
    ],
  );
  const entity = second!.columns[3]!;
  assert.ok(Math.abs(entity.base - mean(base.map(({ scores }) => scores['entity-iou']!))) < 1e-9);
  assert.ok(Math.abs(entity.tuned - mean(tuned.map(({ scores }) => scores['entity-iou']!))) < 1e-9);
  assert.deepEqual([summary.annotations, summary.optimizerSteps], [ANNOTATIONS.length, 0]);
  assert.equal(summary.metrics['sg-iou']!.count, ANNOTATIONS.length);

  assert.deepEqual(
    summary.frechet.map(({ features, of, against, counts }) => [features, of, against, ...counts]),
    ['clip', 'inception'].flatMap((features) => [
      [features, 'tuned', 'base', images, images],
      [features, 'base', 'real', images, 2],
      [features, 'tuned', 'real', images, 2],
    ]),
  );
  assert.ok(summary.frechet.every(({ distance }) => distance > 0));
  const fid = (of: string) =>
    summary.frechet.find((r) => r.features === 'inception' && r.of === of && r.against === 'real')!.distance;
  assert.deepEqual([second!.columns[0]!.base, second!.columns[0]!.tuned], [fid('base'), fid('tuned')]);
  for (const { features, of, against, distance, interval95 } of summary.frechet) {
    if (of !== 'tuned' || against !== 'real') {
      assert.equal(interval95, null);
      continue;
    }
    const base = summary.frechet.find((r) => r.features === features && r.of === 'base')!;
    const [low, high] = interval95!;
    assert.ok(low < distance - base.distance && distance - base.distance < high, `${low} ${high}`);
  }
  const page = parseHtml(report);
  assert.deepEqual(elements(page, 'dd').map(textOf).slice(1, 3), ['sample', changed]);
  assert.match(textOf(page), /Of 2 images\. With fewer than 2048/);

  // A model against itself: no image, and so no metric or distance, differs.
  const [, same] = await evaluate('sample', {});
  assert.ok(Object.values(same.metrics).every(({ difference }) => difference === 0));
  const [{ distance, ...itself }, ...more] = same.frechet as [FrechetResult];
  assert.deepEqual([itself.features, itself.of, itself.against, more], ['clip', 'tuned', 'base', []]);
  assert.ok(Math.abs(distance) < 1e-6, `${distance}`);
});

/** A finished run with candidates, scores, blobs and artifacts, made without computing anything. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { withDefaults } from '../../pipelines/settings.ts';
import { ensureSet, listAnnotations, upsertAnnotations } from '../../src/store/annotations.ts';
import { describeArtifacts, writeArtifacts } from '../../src/store/artifacts.ts';
import { insertCandidates, insertScores } from '../../src/store/candidates.ts';
import { scenes } from '../scenes.ts';
import type { TestApp } from './app.ts';

export const METRICS = ['clip-score', 'dpg'] as const;
/** Of equal weight, and a tie only where rewards are equal. */
const SETTINGS = withDefaults({
  reward: { weights: { 'clip-score': 1, dpg: 1 } },
  pairs: { margin: 0 },
}) as object;
export const EVIDENCE = { questions: [{ text: 'is there a red circle?', answer: true }] };
/** Value of a metric for a candidate: any number that can be told from the others. */
export const scoreOf = (imgId: string, slot: number, metric: string) =>
  createHash('sha256').update(`${imgId}/${slot}/${metric}`).digest().readUInt32BE() / 2 ** 32;
export const imageOf = (imgId: string, slot: number) => Buffer.from(`not really a PNG: ${imgId}/${slot}`);
export const REPORT = '<!doctype html><title>report</title>';

export async function scoredRun(
  { store, blobs, folder }: TestApp,
  annotations: number,
  setName = 'scored',
  image: (imgId: string, slot: number) => Buffer | Promise<Buffer> = imageOf,
): Promise<string> {
  const { id: setId } = await ensureSet(store, setName);
  await upsertAnnotations(store, setId, scenes(annotations));
  const { id: runId } = await store.run.create({
    data: {
      ...{ kind: 'curate-then-train', setId, status: 'succeeded', finishedAt: new Date() },
      settings: SETTINGS,
      stages: {
        create: { ordinal: 1, name: 'score', status: 'succeeded', total: 2 * annotations, secondsPerUnit: 1 },
      },
    },
  });
  const generation = { model: 'sample', modelHash: 'h', sampler: 'ddim', steps: 20, guidance: 3 };
  const stored = await listAnnotations(store, setId, '', annotations);
  const slots = stored.flatMap(({ id, imgId }) => [0, 1].map((slot) => ({ id, imgId, slot })));
  const rows = await Promise.all(
    slots.map(async ({ id, imgId, slot }) => ({
      runId,
      annotationId: id,
      variant: 'curated' as const,
      slot,
      seed: 7 + slot,
      requestHash: `${imgId}/${slot}`,
      sha256: await blobs.put(await image(imgId, slot)),
      width: 32,
      height: 32,
      generation,
    })),
  );
  const files = {
    'report.html': path.join(folder, 'report.html'),
    'export/a b.parquet': path.join(folder, 'p'),
  };
  await writeFile(files['report.html'], REPORT);
  await writeFile(files['export/a b.parquet'], Buffer.from([80, 65, 82, 49, 0, 255]));
  const artifacts = await describeArtifacts({ ...files, model: folder });
  await store.$transaction(async (tx) => {
    await insertCandidates(tx, rows);
    await writeArtifacts(tx, runId, artifacts);
  });
  const candidates = await store.candidate.findMany({ where: { runId }, include: { annotation: true } });
  const scores = candidates.flatMap(({ id, slot, annotation: { imgId } }) =>
    METRICS.map((metric) => ({
      candidateId: id,
      metric,
      mode: 'fixed',
      version: '1',
      value: scoreOf(imgId, slot, metric),
      evidence: EVIDENCE,
    })),
  );
  await store.$transaction((tx) => insertScores(tx, scores));
  return runId;
}

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { withDefaults } from '../../pipelines/settings.ts';
import type { TaskContext } from '../../src/jobs/worker.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { insertCandidates, insertScores } from '../../src/store/candidates.ts';
import { places } from '../../src/store/places.ts';
import type { Tools } from '../../workers/process.ts';
import { reportTask } from '../../workers/score/report.ts';
import { useDatabase } from '../database.ts';
import { temporaryFolder } from '../temporary.ts';
import { curatedRun } from './curated-run.ts';

const { store } = await useDatabase();
const folder = await temporaryFolder({ after });
const blobs = folderBlobs(`${folder}/blobs`);
const where = {
  ...places(),
  runFolder: (run: string) => path.join(folder, run),
  trainFolder: (run: string) => path.join(folder, run, 'train'),
};
const numeric = {
  async call(method: string, argument: { images?: unknown[] }) {
    if (method === 'features') return argument.images!.map((_, i) => new Float32Array([i, 1]));
    return method === 'frechet' ? 0.5 : 'none';
  },
};

test('an evaluation of a run that only trained counts the candidates that it was trained on', async () => {
  const { sourceRun } = await curatedRun(store, blobs);
  const source = await store.run.findUniqueOrThrow({ where: { id: sourceRun } });
  const reward = { weights: { dpg: 1 } };
  const newRun = (kind: string, of: string) =>
    store.run.create({
      data: {
        ...{ kind, setId: source.setId, status: 'running' as const },
        settings: withDefaults({ sourceRun: of, reward }),
      },
    });
  const { id: trained } = await newRun('train', sourceRun);
  const { id: runId } = await newRun('evaluate', trained);
  const drawn = await store.candidate.findMany({ where: { runId: sourceRun, slot: 0 } });
  for (const [variant, value] of [
    ['base', 0.2],
    ['tuned', 0.6],
  ] as const) {
    await store.$transaction(async (tx) => {
      const rows = drawn.map(({ id: _, ...row }) => ({
        ...{ ...row, runId, variant, seed: 1, requestHash: variant },
        generation: { model: 'm', modelHash: 'h', sampler: 'ddim', steps: 1, guidance: 1 },
      }));
      await insertCandidates(tx, rows);
      const made = await tx.candidate.findMany({ where: { runId, variant } });
      const score = { metric: 'dpg', mode: 'fixed', version: '1', evidence: {}, value };
      await insertScores(
        tx,
        made.map(({ id }) => ({ candidateId: id, ...score })),
      );
    });
  }
  const tools = { store, blobs, numeric, places: where, artifacts: folderArtifacts } as unknown as Tools;
  const context = { task: { runId }, signal: new AbortController().signal, progress() {} };
  const write = await reportTask(tools)(context as unknown as TaskContext);
  await store.$transaction((tx) => write(tx));
  const summary = JSON.parse(await readFile(path.join(folder, runId, 'summary.json'), 'utf8')) as {
    candidates: number;
    pairs: number;
    frechet: { of: string; against: string }[];
  };
  assert.deepEqual([summary.candidates, summary.pairs], [9, 8]);
  assert.ok(summary.frechet.some(({ against }) => against === 'curated'));
});

/** A run of kind "import": everything is read and checked first, then the store gets it in one transaction. */
import { rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { Check } from 'typebox/value';
import type { ImportSettings } from '../../pipelines/imports.ts';
import { RunSettings } from '../../pipelines/settings.ts';
import { importedScoreTasks } from '../../pipelines/stages.ts';
import { DiptychError } from '../../src/errors.ts';
import { removeEarlier, removeForgotten } from '../../src/export/export-folders.ts';
import { openDiptych } from '../../src/import/diptych.ts';
import { filesBelow, type SourceFile } from '../../src/import/files.ts';
import { readImageFolder } from '../../src/import/image-folder.ts';
import type { ReadAnnotation } from '../../src/import/imported.ts';
import { LABEL, readPickapic } from '../../src/import/pickapic.ts';
import { stageImport } from '../../src/import/staging.ts';
import { appendEvent } from '../../src/jobs/events.ts';
import { activeRuns, addTasks } from '../../src/jobs/runs.ts';
import type { TaskHandler } from '../../src/jobs/worker.ts';
import { insertImported } from '../../src/store/imported.ts';
import type { Tools } from '../process.ts';

/** Each attempt has a folder of its own, so that a stale one can't touch what counts. */
export function importTask({ store, blobs, places }: Tools): TaskHandler {
  return async ({ task, signal, progress }) => {
    const { runId, attempt, ordinal } = task;
    const run = await store.run.findUniqueOrThrow({ where: { id: runId }, include: { stages: true } });
    const settings = run.settings as unknown as ImportSettings;
    const isScored = run.stages.some(({ name }) => name === 'score');
    await removeForgotten(places.imports, (ids) => activeRuns(store, ids));
    await removeEarlier(path.join(places.imports, runId), attempt);
    const folder = path.join(places.imports, runId, String(attempt));
    const clean = async () => {
      await rm(folder, { recursive: true, force: true });
      // Another attempt's may be in it.
      await rmdir(path.dirname(folder)).catch(() => {});
    };
    try {
      const files = await filesBelow(settings.import.path);
      const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
      const { annotations, settings: known } = await opened(settings, files);
      let done = 0;
      const staged = await stageImport(annotations, folder, (bytes) => {
        signal.throwIfAborted();
        done += bytes;
        progress(Math.min(1, done / total));
      });
      if (staged.annotations === 0)
        throw new DiptychError('DIPTYCH_BAD_FILE', `${settings.import.path} has nothing to import`);
      // Before the transaction, which need not wait for a disk or a bucket. If it fails, they are blobs of nobody.
      await blobs.adopt(staged.blobs);
      return async (tx) => {
        try {
          const sum = { annotations: 0, candidates: 0, scores: 0, votes: 0 };
          const scored: { id: string; candidates: number }[] = [];
          for await (const batch of staged.batches()) {
            const { ids, counts } = await insertImported(
              tx,
              { runId, setId: run.setId, votes: sum.votes },
              batch,
            );
            for (const name of ['annotations', 'candidates', 'scores', 'votes'] as const)
              sum[name] += counts[name];
            if (isScored)
              scored.push(...ids.map((id, i) => ({ id, candidates: batch[i]!.candidates.length })));
          }
          if (isScored) {
            const tasks = importedScoreTasks(scored);
            await addTasks(tx, runId, ordinal + 1, { worker: 'score', kind: 'score', tasks });
          }
          // The revision of then, which undone votes have raised too: exports name it.
          const voteRevision = known.import.origin?.votes ?? 0;
          await tx.run.update({ where: { id: runId }, data: { settings: known as object, voteRevision } });
          await appendEvent(tx, runId, 'import-written', sum);
        } finally {
          // If the transaction fails, the next attempt reads all of it again.
          await clean();
        }
      };
    } catch (thrown) {
      await clean();
      throw thrown;
    }
  };
}

/** What is in the files, and the run's settings as they are once it is in the store. */
async function opened(
  settings: ImportSettings,
  files: readonly SourceFile[],
): Promise<{ annotations: AsyncIterable<ReadAnnotation>; settings: ImportSettings }> {
  const { as } = settings.import;
  if (as === 'images') return { annotations: readImageFolder(files), settings };
  if (as === 'pickapic') {
    const reward = { policy: 'mean' as const, weights: { [LABEL]: 1 } };
    return { annotations: pickapicRows(files), settings: { ...settings, reward } };
  }
  const { annotations, origin, policy } = await openDiptych(files);
  const { import: own, ...rest } = { ...settings, reward: policy.reward, pairs: policy.pairs };
  if (!Check(RunSettings, rest)) {
    throw new DiptychError(
      'DIPTYCH_BAD_FILE',
      'inputs.jsonl, line 1: its reward and pairs are none that this version knows',
    );
  }
  return { annotations, settings: { ...rest, import: { ...own, origin } } };
}

async function* pickapicRows(files: readonly SourceFile[]): AsyncGenerator<ReadAnnotation> {
  for (const { name, path: file } of files) {
    if (name.endsWith('.parquet')) yield* readPickapic(file, name);
  }
}

/** Writes a run's exports: Parquet in two layouts, and the scores alone. */
import path from 'node:path';
import type { RunSettings } from '../../pipelines/settings.ts';
import { writeExports } from '../../src/export/export.ts';
import type { TaskHandler } from '../../src/jobs/worker.ts';
import { metricNames } from '../../src/scoring/score.ts';
import { describeArtifacts, writeArtifacts } from '../../src/store/artifacts.ts';
import type { Tools } from '../process.ts';
import { curatedAnnotations } from '../rewarded.ts';

export function exportTask({ store, blobs, places }: Tools): TaskHandler {
  return async ({ task, signal, progress }) => {
    const run = await store.run.findUniqueOrThrow({ where: { id: task.runId } });
    const settings = run.settings as unknown as RunSettings;
    const { reward, pairs, scoring, sampling } = settings;

    const result = await writeExports({
      annotations: curatedAnnotations(store, task.runId, reward),
      load: (sha256) => blobs.get(sha256),
      metrics: metricNames(scoring),
      reward,
      pairs,
      folder: path.join(places.runFolder(task.runId), 'export'),
      facts: {
        model: settings.model,
        sampling: `ddim, ${sampling.steps} steps, guidance ${sampling.guidance}`,
        'scoring mode': scoring.mode,
        reward: JSON.stringify(reward),
        pairs: `${pairs.policy}, margin ${pairs.margin}, ties: ${pairs.ties}`,
      },
      onAnnotation(done) {
        signal.throwIfAborted();
        progress(done / task.units);
      },
    });
    const artifacts = await describeArtifacts(
      Object.fromEntries(result.files.map((file) => [file.name, file.path])),
    );
    return (tx) => writeArtifacts(tx, task.runId, artifacts);
  };
}

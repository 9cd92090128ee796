/** The HTTP application beside the worker that imports, exports and "scores". */
import path from 'node:path';
import { openQueue } from '../../src/jobs/queue.ts';
import { getRun, type RunView } from '../../src/jobs/runs.ts';
import { runWorker } from '../../src/jobs/worker.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { places } from '../../src/store/places.ts';
import type { NumericThread } from '../../workers/numeric/client.ts';
import type { Tools } from '../../workers/process.ts';
import { exportTask, layoutTask } from '../../workers/score/export.ts';
import { importTask } from '../../workers/score/import.ts';
import { scoreTask } from '../../workers/score/score.ts';
import { type TestApp, useApp } from '../api/app.ts';
import { WHOLE } from '../jobs/plans.ts';
import { until } from '../wait.ts';

export interface ImportService extends TestApp {
  tools: Tools;
  importsFolder: string;
  /** Asks for an import and waits until it has ended. */
  imported(body: object): Promise<RunView>;
  /** Does what waits for the score worker while `during` lasts. */
  working<T>(during: () => Promise<T>): Promise<T>;
  ended(id: string): Promise<RunView>;
}

/** `scores`: what the numeric thread gives for each image. */
export async function useImportService(scores: object[] = []): Promise<ImportService> {
  const context = await useApp();
  const { store, boss, blobs, folder, url, send, exportsFolder } = context;
  const importsFolder = path.join(folder, 'imports');
  const numeric = {
    call: async (_: 'score', { subjects }: { subjects: unknown[] }) =>
      subjects.map(() => ({ scores, failures: [] })),
    close: async () => {},
  } as unknown as NumericThread;
  const tools: Tools = {
    ...{ store, blobs, artifacts: folderArtifacts, numeric },
    places: { ...places(), imports: importsFolder, exports: exportsFolder, answers: folder },
  };
  const handlers = {
    import: importTask(tools),
    export: exportTask(tools),
    layout: layoutTask(tools),
    score: scoreTask(tools),
  };

  async function working<T>(during: () => Promise<T>): Promise<T> {
    const worker = await runWorker({
      ...{ store, boss: await openQueue(url, false), worker: 'score' as const, handlers, items: WHOLE },
    });
    try {
      return await during();
    } finally {
      await worker.stop();
    }
  }
  const ended = (id: string) =>
    until(`run ${id} has ended`, async () => {
      const view = await getRun(store, id);
      return view.finishedAt && view;
    });
  return {
    ...context,
    ...{ boss, tools, importsFolder, working, ended },
    async imported(body) {
      const asked = await send('POST', '/v1/imports', body);
      if (asked.status !== 201) throw new Error(asked.body.error.message);
      return working(() => ended(asked.body.id));
    },
  };
}

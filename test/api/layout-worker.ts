/** The score worker as far as exports need it, on the database and folders of a test's application. */
import { openQueue } from '../../src/jobs/queue.ts';
import { type RunningWorker, runWorker, type TaskHandler } from '../../src/jobs/worker.ts';
import { places } from '../../src/store/places.ts';
import type { NumericThread } from '../../workers/numeric/client.ts';
import { layoutTask } from '../../workers/score/export.ts';
import { WHOLE } from '../jobs/plans.ts';
import type { TestApp } from './app.ts';

const numeric: NumericThread = {
  call: () => Promise.reject(new Error('an export computes nothing')),
  close: async () => {},
};

export function layoutTaskOf({ store, blobs, artifacts, exportsFolder }: TestApp): TaskHandler {
  return layoutTask({ store, blobs, artifacts, numeric, places: { ...places(), exports: exportsFolder } });
}

export async function startLayoutWorker(app: TestApp): Promise<RunningWorker> {
  return runWorker({
    ...{ store: app.store, boss: await openQueue(app.url, false), worker: 'score' as const },
    handlers: { layout: layoutTaskOf(app) },
    items: WHOLE,
  });
}

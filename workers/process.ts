/** What every worker process shares: its connections, its numeric thread, and a clean end. */
import { taskItems } from '../pipelines/task-items.ts';
import { openQueue, type WorkerName } from '../src/jobs/queue.ts';
import { runWorker, type TaskHandler } from '../src/jobs/worker.ts';
import { log } from '../src/log.ts';
import { NO_USE, onProcessEnd } from '../src/process-end.ts';
import type { ArtifactFiles } from '../src/store/artifact-files.ts';
import { openArtifacts, openBlobs } from '../src/store/blob-places.ts';
import type { BlobStore } from '../src/store/blobs.ts';
import { openStore, type Store } from '../src/store/client.ts';
import { migrate } from '../src/store/migrate.ts';
import { type Places, places } from '../src/store/places.ts';
import { waitingForBlobs } from './blobs-away.ts';
import { type NumericThread, startNumericThread } from './numeric/client.ts';

export interface Tools {
  store: Store;
  blobs: BlobStore;
  artifacts: ArtifactFiles;
  numeric: NumericThread;
  places: Places;
}

/** Runs a worker until SIGTERM or SIGINT, or until the process that started it is gone. */
export async function startWorkerProcess(
  worker: WorkerName,
  makeHandlers: (tools: Tools) => Record<string, TaskHandler>,
): Promise<void> {
  const url = process.env.DATABASE_URL;
  if (!url) {
    console.error(
      'DATABASE_URL is not set: workers are started by `npm start`, or need the database to work on',
    );
    process.exit(NO_USE);
  }
  await migrate(url);
  const where = places();
  const store = openStore(url);
  const boss = await openQueue(url, false, worker);
  // Without it this process could do nothing, and would fail one task after the other: a new one takes its place.
  const numeric = startNumericThread((error) => {
    log.fatal({ err: error }, 'the numeric thread has died');
    process.exit(1);
  });
  const tools: Tools = {
    store,
    blobs: openBlobs(where.blobs),
    artifacts: openArtifacts(where),
    numeric,
    places: where,
  };
  const handlers = Object.entries(makeHandlers(tools)).map(([kind, handler]) => [
    kind,
    waitingForBlobs(tools.blobs, handler),
  ]);
  // The client gets ready with its first query, which would else be the first task's.
  await store.$queryRaw`SELECT 1`;
  const running = await runWorker({
    ...{ store, boss, worker, items: taskItems(store) },
    handlers: Object.fromEntries(handlers),
  });

  onProcessEnd(async () => {
    const stopped = running.stop();
    await numeric.close();
    await stopped;
    await store.$disconnect();
    process.exit(0);
  }, 8000);
}

/** One import of the bench's data (arguments: the export's folder, name of the set); tells its time and peak memory. */
import { planImport } from '../../pipelines/imports.ts';
import { taskItems } from '../../pipelines/task-items.ts';
import { openQueue } from '../../src/jobs/queue.ts';
import { createRun, getRun } from '../../src/jobs/runs.ts';
import { runWorker } from '../../src/jobs/worker.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { openStore } from '../../src/store/client.ts';
import { migrate } from '../../src/store/migrate.ts';
import { places } from '../../src/store/places.ts';
import type { NumericThread } from '../../workers/numeric/client.ts';
import { importTask } from '../../workers/score/import.ts';

const [source, annotationSet] = process.argv.slice(2) as [string, string];
const url = process.env.DATABASE_URL!;
await migrate(url);
const store = openStore(url);
const boss = await openQueue(url, false);
const where = places();
const numeric: NumericThread = { call: () => new Promise(() => {}), close: async () => {} };
const tools = { store, artifacts: folderArtifacts, numeric, blobs: folderBlobs(where.blobs), places: where };
const worker = await runWorker({
  ...{ store, boss, worker: 'score' as const, handlers: { import: importTask(tools) } },
  items: taskItems(store),
});

const start = performance.now();
const plan = await planImport(store, where.uploads, {
  ...{ as: 'diptych', annotationSet, path: source, score: false },
  settings: {} as never,
});
const id = await createRun(store, boss, plan);
let run = await getRun(store, id);
while (!run.finishedAt) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  run = await getRun(store, id);
}
const seconds = (performance.now() - start) / 1000;
if (run.error) throw new Error(run.error);
await worker.stop();
await store.$disconnect();
process.send!({ seconds, peakMegabytes: process.resourceUsage().maxRSS / 1000 });
process.disconnect();

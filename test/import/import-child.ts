/**
 * Claims an import's task (arguments: its id, folders of blobs and imports; DATABASE_URL), tells its parent when some of
 * it is read, and stands still, waiting to be killed.
 */

import { claimTask } from '../../src/jobs/tasks.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { openStore } from '../../src/store/client.ts';
import { places } from '../../src/store/places.ts';
import type { NumericThread } from '../../workers/numeric/client.ts';
import { importTask } from '../../workers/score/import.ts';

const [taskId, blobs, imports] = process.argv.slice(2) as [string, string, string];
const store = openStore(process.env.DATABASE_URL!);
const numeric: NumericThread = { call: () => new Promise(() => {}), close: async () => {} };
const tools = {
  store,
  artifacts: folderArtifacts,
  numeric,
  blobs: folderBlobs(blobs),
  places: { ...places(), imports },
};
await importTask(tools)({
  task: (await claimTask(store, taskId))!,
  signal: new AbortController().signal,
  progress() {
    process.send!('some', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  },
});

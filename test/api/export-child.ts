/**
 * Claims an export's task (arguments: its id, folders of blobs and exports; DATABASE_URL) and tells its parent when
 * half of it is done; then it waits to be killed.
 */

import { claimTask } from '../../src/jobs/tasks.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { openStore } from '../../src/store/client.ts';
import { places } from '../../src/store/places.ts';
import type { NumericThread } from '../../workers/numeric/client.ts';
import { layoutTask } from '../../workers/score/export.ts';

// Nothing else keeps a waiting process alive.
setInterval(() => {}, 1000);
const [taskId, blobs, exports] = process.argv.slice(2) as [string, string, string];
const store = openStore(process.env.DATABASE_URL!);
const numeric: NumericThread = { call: () => new Promise(() => {}), close: async () => {} };
const held = folderBlobs(blobs);
let half = false;
const layout = layoutTask({
  ...{ store, artifacts: folderArtifacts, numeric, places: { ...places(), exports } },
  blobs: { ...held, get: (sha256) => (half ? new Promise(() => {}) : held.get(sha256)) },
});
await layout({
  task: (await claimTask(store, taskId))!,
  signal: new AbortController().signal,
  progress(fraction) {
    if (fraction < 0.5 || half) return;
    half = true;
    process.send!('half');
  },
});

/** Takes a run's training task in a process of its own, on the database in DATABASE_URL, and waits to be killed. */
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { openStore } from '../../src/store/client.ts';
import { places } from '../../src/store/places.ts';
import { trainTask } from '../../workers/train/train.ts';
import { claim } from '../jobs/plans.ts';

const store = openStore(process.env.DATABASE_URL!);
const numeric = {
  call: () => Promise.reject(new Error('it should not have come so far')),
  close: async () => {},
};
const where = places();
const train = trainTask({
  store,
  blobs: folderBlobs(where.blobs),
  artifacts: folderArtifacts,
  numeric,
  places: where,
});
const task = await claim(store, process.argv[2]!, 0, 0);
await train({ task, signal: new AbortController().signal, progress() {} });

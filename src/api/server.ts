/** The API process: HTTP, and the queue's supervision. Started by the service, which learns the URL by message. */
import { openQueue } from '../jobs/queue.ts';
import { buryDeadTasks } from '../jobs/worker.ts';
import { onProcessEnd } from '../process-end.ts';
import { openArtifacts, openBlobs } from '../store/blob-places.ts';
import { openStore } from '../store/client.ts';
import { places } from '../store/places.ts';
import { buildApp } from './app.ts';

const databaseUrl = process.env.DATABASE_URL;
if (!databaseUrl) {
  console.error('DATABASE_URL is not set: `npm start` starts this process with a database');
  process.exit(1);
}
const store = openStore(databaseUrl);
const boss = await openQueue(databaseUrl, true);
await buryDeadTasks(store, boss);
const where = places();
const app = await buildApp({
  ...{ store, boss, places: where },
  ...{ blobs: openBlobs(where.blobs), artifacts: openArtifacts(where) },
});
const url = await app.listen({
  host: process.env.HOST ?? '127.0.0.1',
  // Free by default, so that several stores run side by side.
  port: Number(process.env.PORT ?? 0),
});
console.log(`Diptych listens on ${url}`);
process.send?.({ url });

onProcessEnd(async () => {
  await app.close();
  await boss.stop({ graceful: false });
  await store.$disconnect();
  process.exit(0);
});

/** The API process: HTTP, and the queue's supervision. Started by the service, which learns the URL by message. */
import { taskItems } from '../../pipelines/task-items.ts';
import { watchClock } from '../jobs/clock.ts';
import { buryDeadTasks } from '../jobs/dead-letters.ts';
import { openQueue } from '../jobs/queue.ts';
import { log } from '../log.ts';
import { NO_USE, onProcessEnd } from '../process-end.ts';
import { hasValidKey } from '../store/api-keys.ts';
import { openArtifacts, openBlobs } from '../store/blob-places.ts';
import { openStore } from '../store/client.ts';
import { migrate } from '../store/migrate.ts';
import { places } from '../store/places.ts';
import { isLoopback } from './access.ts';
import { buildApp } from './app.ts';
import { deliverWebhooks } from './deliver-webhooks.ts';

const databaseUrl = process.env.DATABASE_URL;
if (!databaseUrl) {
  console.error('DATABASE_URL is not set: `npm start` starts this process with a database');
  process.exit(NO_USE);
}
await migrate(databaseUrl);
const store = openStore(databaseUrl);
const host = process.env.HOST ?? '127.0.0.1';
const exposed = !isLoopback(host);
if (exposed && !(await hasValidKey(store))) {
  console.error(
    `HOST is "${host}", which other machines reach, but there is no key that they would need: make one with ` +
      '`npm run diptych -- keys create NAME --scope admin`, or leave HOST out to serve this machine alone',
  );
  process.exit(NO_USE);
}
const boss = await openQueue(databaseUrl, true);
await buryDeadTasks(store, boss, taskItems(store));
const unwatchClock = watchClock(store);
const where = places();
const services = {
  ...{ store, boss, places: where },
  ...{ blobs: openBlobs(where.blobs), artifacts: openArtifacts(where) },
};
const app = await buildApp(services, { exposed });
const webhooks = deliverWebhooks(store);
const url = await app.listen({
  host,
  // Free by default, so that several stores run side by side.
  port: Number(process.env.PORT ?? 0),
});
log.info({ url, exposed }, 'listening');
process.send?.({ url });

onProcessEnd(async () => {
  // No new connections; answers that are under way are finished, logs that are followed end.
  await Promise.all([app.close(), webhooks.stop()]);
  unwatchClock();
  await boss.stop({ graceful: false });
  await store.$disconnect();
  process.exit(0);
}, 8000);

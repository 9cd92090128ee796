/** The back-up of a store on a server of its own, as docs/operations.md has it: dumped while it is written to, restored elsewhere. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openQueue, type TaskJob } from '../../src/jobs/queue.ts';
import { claimTask } from '../../src/jobs/tasks.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { insertCandidates, listScored } from '../../src/store/candidates.ts';
import { openStore } from '../../src/store/client.ts';
import { migrate } from '../../src/store/migrate.ts';
import { newRun, snapshot } from '../jobs/plans.ts';
import { NO_DEBIAN_POSTGRES, startDebianPostgres } from '../store/debian-postgres.ts';
import { temporaryFolder } from '../temporary.ts';
import { until } from '../wait.ts';
import { curatedRun } from '../workers/curated-run.ts';

test('a dump made while the service works, and images copied after it, are the whole store', {
  skip: NO_DEBIAN_POSTGRES,
}, async (t) => {
  const server = await startDebianPostgres();
  const closing: (() => Promise<unknown>)[] = [() => server.stop()];
  t.after(async () => {
    for (const close of closing.reverse()) await close();
  });
  const [home, copy] = [await temporaryFolder(t), await temporaryFolder(t)];

  const url = await server.database('worked');
  await migrate(url);
  const [store, boss] = [openStore(url), await openQueue(url, false)];
  closing.push(
    () => store.$disconnect(),
    () => boss.stop({ graceful: false }),
  );
  const blobs = folderBlobs(path.join(home, 'blobs'));
  const { sourceRun } = await curatedRun(store, blobs);
  await newRun(store, boss);
  const [job] = await boss.fetch<TaskJob>('generate');
  const running = await claimTask(store, job!.data.taskId);
  const quiet = await snapshot(store);

  // Candidates come in all the time, each image before its row.
  const [first] = await listScored(store, sourceRun, 'curated', { limit: 1 });
  const { annotationId, seed, width, height, generation } = first!;
  let written = 0;
  let ends = false;
  const writing = (async () => {
    while (!ends) {
      const sha256 = await blobs.put(Buffer.from(`image ${written}`));
      const place = { runId: sourceRun, annotationId, variant: 'curated' as const, slot: 100 + written };
      const row = { ...place, seed, requestHash: `${written}`, sha256, width, height, generation };
      await store.$transaction((tx) => insertCandidates(tx, [row]));
      written++;
    }
  })();
  await until('some are there', () => written > 10);
  const dump = path.join(server.folder, 'dump');
  await server.program('pg_dump', '--format=custom', `--file=${dump}`, url);
  const dumped = written;
  await until('more come', () => written > dumped);
  await cp(path.join(home, 'blobs'), path.join(copy, 'blobs'), { recursive: true });
  ends = true;
  await writing;

  const elsewhere = await server.database('restored');
  await server.program('pg_restore', `--dbname=${elsewhere}`, dump);
  await migrate(elsewhere);
  const restored = openStore(elsewhere);
  closing.push(() => restored.$disconnect());
  assert.deepEqual(await snapshot(restored), quiet);
  const candidates = await restored.candidate.findMany({ where: { runId: sourceRun } });
  assert.ok(candidates.length > 9 + 10, `${candidates.length}`);
  const kept = folderBlobs(path.join(copy, 'blobs'));
  for (const { sha256 } of candidates) assert.ok((await kept.get(sha256)).length > 0, sha256);

  // What was being worked on is given out again once its worker is missed.
  const queue = await openQueue(elsewhere, true);
  closing.push(() => queue.stop({ graceful: false }));
  const taken = new Set<string>();
  await until('the task that was running is given out again', async () => {
    for (const { data } of (await queue.fetch<TaskJob>('generate')) ?? []) taken.add(data.taskId);
    return taken.has(running!.id);
  });
  assert.equal((await claimTask(restored, running!.id))!.attempt, running!.attempt + 1);
});

/** Begins one change of each kind at once, on the database in DATABASE_URL; kill.test.ts kills it on the way. */

import { buryTask, divideTask, retryDeadLetter } from '../../src/jobs/dead-letters.ts';
import { askExport } from '../../src/jobs/exports.ts';
import { recordFailures } from '../../src/jobs/failures.ts';
import { openQueue } from '../../src/jobs/queue.ts';
import { cancelRun, createRun, pauseRun, resumeRun, retryRun, setPriority } from '../../src/jobs/runs.ts';
import { commitTask, failTask, releaseTask } from '../../src/jobs/tasks.ts';
import { openStore } from '../../src/store/client.ts';

const url = process.env.DATABASE_URL!;
const work = JSON.parse(process.argv[2]!);
const store = openStore(url);
// A store has fewer connections than there are changes.
const second = openStore(url);
const boss = await openQueue(url, false);
await Promise.all([
  createRun(store, boss, work.plan),
  commitTask(store, boss, work.commit, async (tx) => {
    await tx.artifact.create({
      data: { runId: work.commit.runId, name: 'half', path: '/', bytes: 1n, sha256: '' },
    });
    await recordFailures(tx, work.commit, [work.failure]);
    await tx.event.create({ data: { runId: work.commit.runId, type: 'artifact-written', data: {} } });
  }),
  failTask(store, work.fail, 'killed on the way'),
  releaseTask(store, boss, work.release, work.jobId),
  cancelRun(store, work.cancelled),
  retryRun(store, boss, work.failed),
  askExport(store, boss, work.again),
  pauseRun(second, work.running),
  resumeRun(second, boss, work.paused),
  setPriority(second, work.hurried, 'high'),
  divideTask(second, boss, work.deadly, work.parts),
  buryTask(second, boss, work.dead, [work.failure], 'killed on the way'),
  retryDeadLetter(second, boss, work.letter),
]);

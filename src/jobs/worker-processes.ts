/** Worker processes: which there are, when each was last heard of, and what it is at. */
import type { PgBoss } from 'pg-boss';
import { query, type Store } from '../store/client.ts';
import { WORKERS, type WorkerName } from './queue.ts';

export interface WorkerProcess {
  worker: WorkerName;
  host: string;
  pid: number;
  /** `quiet`: not heard of for three heartbeats, so it was killed, froze, or its machine is away. */
  state: 'working' | 'idle' | 'quiet';
  startedAt: Date;
  seenAt: Date;
  /** Bytes of memory at that time; null: unknown. */
  memory: number | null;
  task: HeldTask | null;
}

interface HeldTask {
  runId: string;
  stage: string;
  /** Finished share, 0 to 1. */
  progress: number;
  attempt: number;
}

/** More than one looks at, and than pg-boss keeps of processes that have ended. */
const MOST = 1000;
/** Of processes that are no longer heard of. */
const SHOWN_FOR_MS = 3600_000;

/** By worker, the oldest first. Processes that ended in order are not among them. */
export async function listWorkers(store: Store, boss: PgBoss): Promise<WorkerProcess[]> {
  const [instances, tasks] = [
    await boss.getInstances({ limit: MOST }),
    await query<HeldTask & { heldBy: string }>(
      store,
      `SELECT t.held_by AS "heldBy", t.run_id AS "runId", s.name AS stage, t.progress, t.attempt
       FROM run r JOIN task t ON t.run_id = r.id AND t.status = 'running'
       JOIN stage s ON s.run_id = t.run_id AND s.ordinal = t.ordinal
       WHERE r.status IN ('running', 'paused')`,
    ),
  ];
  const heldBy = new Map(tasks.map(({ heldBy: process, ...task }) => [process, task]));
  const since = Date.now() - SHOWN_FOR_MS;
  return instances
    .flatMap(({ name, host, pid, live, startedOn, heartbeatOn, stoppedOn, metrics }): WorkerProcess[] => {
      const worker = WORKERS.find((known) => known === name);
      if (!worker || stoppedOn || (!live && heartbeatOn.getTime() < since)) return [];
      const task = live ? (heldBy.get(`${host}/${pid}`) ?? null) : null;
      return [
        {
          ...{ worker, host, pid, task, memory: metrics?.rss ?? null },
          ...{
            state: live ? (task ? 'working' : 'idle') : 'quiet',
            startedAt: startedOn,
            seenAt: heartbeatOn,
          },
        },
      ];
    })
    .sort((a, b) => WORKERS.indexOf(a.worker) - WORKERS.indexOf(b.worker));
}

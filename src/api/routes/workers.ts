/** Worker processes, as the database knows them. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { WORKERS } from '../../jobs/queue.ts';
import { listWorkers } from '../../jobs/worker-processes.ts';
import type { Services } from '../services.ts';

const WorkerProcess = Type.Object({
  worker: Type.Enum([...WORKERS]),
  host: Type.String(),
  pid: Type.Integer(),
  state: Type.Enum(['working', 'idle', 'quiet'], { description: 'quiet: not heard of for 15 seconds' }),
  startedAt: Type.String(),
  seenAt: Type.String(),
  memory: Type.Union([Type.Integer(), Type.Null()], { description: 'Bytes when it was last seen' }),
  task: Type.Union([
    Type.Object({
      runId: Type.String(),
      stage: Type.String(),
      progress: Type.Number({ description: 'Finished share' }),
      attempt: Type.Integer(),
    }),
    Type.Null(),
  ]),
});

export function workerRoutes({ store, boss }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/workers',
      {
        schema: {
          tags: ['service'],
          summary: 'Worker processes on all machines: when each was last seen, and what it is at',
          response: { 200: Type.Object({ items: Type.Array(WorkerProcess) }) },
        },
      },
      async () => JSON.parse(JSON.stringify({ items: await listWorkers(store, boss) })),
    );
  };
}

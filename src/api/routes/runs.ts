/** Runs: asked for, watched, paused, cancelled, tried again. */
import { readFile } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { planRun } from '../../../pipelines/plan.ts';
import { checkSafe } from '../../../pipelines/safe-settings.ts';
import { RunRequest } from '../../../pipelines/settings.ts';
import { DiptychError } from '../../errors.ts';
import { readEvents } from '../../jobs/events.ts';
import { listFailures } from '../../jobs/failures.ts';
import { PRIORITIES } from '../../jobs/queue.ts';
import {
  cancelRun,
  createRun,
  getRun,
  isActive,
  listRuns,
  pauseRun,
  resumeRun,
  retryRun,
  setPriority,
} from '../../jobs/runs.ts';
import { findArtifact, listArtifacts } from '../../store/artifacts.ts';
import { trainingFolder } from '../../store/training-folder.ts';
import { isGrowing } from '../../training/checkpoints/snapshot.ts';
import { ALARM_KINDS } from '../../training/telemetry/alarms.ts';
import { gridFile } from '../../training/validation/validation-files.ts';
import { keptCurves } from '../kept-curves.ts';
import { LONG_ANSWER_MS } from '../load.ts';
import { Anything, ErrorAnswer, fromCursor, nextCursor, Paging, page, RunId } from '../schemas.ts';
import { sendFile } from '../send-file.ts';
import type { Services } from '../services.ts';

const POLL_MS = 500;
const EVENTS_AT_ONCE = 200;
const FailureKey = Type.String({ pattern: '^[0-9]{1,18}$' });

const Stage = Type.Object({
  name: Type.String(),
  status: Type.String(),
  total: Type.Integer({ description: 'Units of work, such as candidates' }),
  done: Type.Integer(),
  failed: Type.Integer({ description: 'Units of failed tasks' }),
  dropped: Type.Integer({ description: 'Of done: candidates that failed alone, see /failures' }),
  fraction: Type.Number({ description: 'Finished share, running work included' }),
  startedAt: Type.Union([Type.String(), Type.Null()], { description: 'Later by the time it was paused' }),
  finishedAt: Type.Union([Type.String(), Type.Null()]),
});
const Priority = Type.Enum([...PRIORITIES], { description: 'Whose tasks go first' });
export const Run = Type.Object({
  id: Type.String(),
  kind: Type.String(),
  status: Type.String(),
  priority: Priority,
  annotationSet: Type.String(),
  settings: Anything,
  error: Type.Union([Type.String(), Type.Null()]),
  createdAt: Type.String(),
  finishedAt: Type.Union([Type.String(), Type.Null()]),
  stages: Type.Array(Stage),
  secondsLeft: Type.Union([Type.Number(), Type.Null()], {
    description: 'Null once the run has ended, and while it is paused',
  }),
});
const Failure = Type.Object({
  imgId: Type.String(),
  variant: Type.String(),
  slot: Type.Integer(),
  stage: Type.String(),
  what: Type.String({ description: '"image", "scores" (all of them), or the name of the metric' }),
  reason: Type.String(),
});
const Telemetry = Type.Object({
  lastStep: Type.Integer({ description: 'The last optimizer step there is an entry of; 0: none yet' }),
  curves: Type.Record(
    Type.String(),
    Type.Object({ steps: Type.Array(Type.Integer()), values: Type.Array(Type.Number()) }),
    { description: 'By name; docs/training.md says what each means' },
  ),
  alarms: Type.Array(
    Type.Object({ step: Type.Integer(), kind: Type.Enum([...ALARM_KINDS]), message: Type.String() }),
  ),
  bestStep: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Of those measured after step 0, the one of the highest validation reward; null: none yet',
  }),
});
const Artifact = Type.Object({
  name: Type.String(),
  path: Type.String({ description: 'On the disk of the machine that made it' }),
  bytes: Type.Integer(),
  sha256: Type.String({ description: 'Of a folder: that of what sha256sum prints of its files' }),
  files: Type.Optional(
    Type.Array(Type.Object({ name: Type.String(), bytes: Type.Integer(), sha256: Type.String() }), {
      description: 'Of a folder; to be downloaded below its name',
    }),
  ),
});

export function runRoutes({ store, boss, artifacts, places }: Services): FastifyPluginAsyncTypebox {
  const curvesOf = keptCurves();
  return async (app) => {
    // A log that is being followed must not keep the service from ending.
    let closing = false;
    app.addHook('preClose', async () => {
      closing = true;
    });

    /** Dates as the schema has them. */
    const view = async (id: string) => JSON.parse(JSON.stringify(await getRun(store, id)));

    app.post(
      '/runs',
      {
        handlerTimeout: LONG_ANSWER_MS,
        schema: {
          tags: ['runs'],
          summary: 'Ask for a run',
          body: RunRequest,
          response: { 201: Run, 400: ErrorAnswer, 404: ErrorAnswer },
        },
      },
      async (request, reply) => {
        if (await app.needsKeys()) await checkSafe(request.body.settings);
        const id = await createRun(store, boss, await planRun(store, request.body));
        reply.status(201);
        return view(id);
      },
    );

    app.get(
      '/runs',
      { schema: { tags: ['runs'], querystring: Type.Object(Paging), response: { 200: page(Run) } } },
      async ({ query: { cursor, limit } }) => {
        const runs = await listRuns(store, fromCursor(cursor, RunId.properties.id) ?? null, limit);
        return {
          items: JSON.parse(JSON.stringify(runs)),
          next: nextCursor(runs, limit, ({ id }) => id),
        };
      },
    );

    app.get(
      '/runs/:id',
      { schema: { tags: ['runs'], params: RunId, response: { 200: Run, 404: ErrorAnswer } } },
      ({ params }) => view(params.id),
    );

    for (const [action, summary, act] of [
      ['cancel', 'Stop a run', (id: string) => cancelRun(store, id)],
      ['pause', 'Keep the tasks of a run from the workers', (id: string) => pauseRun(store, id)],
      ['resume', 'Let a paused run go on', (id: string) => resumeRun(store, boss, id)],
      ['retry', 'Try what failed in a failed run again', (id: string) => retryRun(store, boss, id)],
    ] as const) {
      app.post(
        `/runs/:id/${action}`,
        {
          schema: {
            tags: ['runs'],
            summary,
            params: RunId,
            response: { 200: Run, 404: ErrorAnswer, 409: ErrorAnswer },
          },
        },
        async ({ params }) => {
          await act(params.id);
          return view(params.id);
        },
      );
    }

    app.post(
      '/runs/:id/priority',
      {
        schema: {
          tags: ['runs'],
          summary: 'Let the tasks of a run go before or behind those of others',
          params: RunId,
          body: Type.Object({ priority: Priority }, { additionalProperties: false }),
          response: { 200: Run, 400: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer },
        },
      },
      async ({ params, body }) => {
        await setPriority(store, params.id, body.priority);
        return view(params.id);
      },
    );

    app.get(
      '/runs/:id/events',
      {
        config: { streams: true },
        schema: {
          tags: ['runs'],
          summary: 'The log of a run as server-sent events',
          description:
            'Starts at the first event, or after the one named by the header Last-Event-ID; ends when the run has ended.',
          params: RunId,
          produces: ['text/event-stream'],
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        await getRun(store, id);
        let after = String(request.headers['last-event-id'] ?? '0');
        if (!/^\d{1,18}$/.test(after)) {
          throw new DiptychError(
            'DIPTYCH_INVALID_INPUT',
            `Last-Event-ID is "${after}", must be an event's id`,
          );
        }
        reply.hijack();
        const { raw } = reply;
        raw.writeHead(200, {
          ...(reply.getHeaders() as OutgoingHttpHeaders),
          'content-type': 'text/event-stream',
          'cache-control': 'no-cache',
          connection: 'keep-alive',
        });
        while (!raw.destroyed && !closing) {
          // Asked before reading, so that the last events are not missed.
          const run = await getRun(store, id);
          const events = await readEvents(store, id, after, EVENTS_AT_ONCE);
          for (const { id: eventId, type, at, data } of events) {
            raw.write(
              `id: ${eventId}\nevent: ${type}\ndata: ${JSON.stringify({ at, ...(data as object) })}\n\n`,
            );
            after = eventId;
          }
          if (events.length === EVENTS_AT_ONCE) continue;
          if (!isActive(run)) break;
          await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        }
        raw.end();
      },
    );

    app.get(
      '/runs/:id/failures',
      {
        schema: {
          tags: ['runs'],
          summary: 'Candidates that failed alone, with the reason of each',
          params: RunId,
          querystring: Type.Object(Paging),
          response: { 200: page(Failure), 404: ErrorAnswer },
        },
      },
      async ({ params, query: { cursor, limit } }) => {
        await getRun(store, params.id);
        const after = fromCursor(cursor, FailureKey) ?? '0';
        const items = await listFailures(store, params.id, after, limit);
        return { items, next: nextCursor(items, limit, ({ id }) => id) };
      },
    );

    app.get(
      '/runs/:id/telemetry',
      {
        schema: {
          tags: ['runs'],
          summary: 'Curves of the training, also while it runs',
          description:
            'Longer curves than `maxPoints` are cut into spans, of which the least and the greatest value are kept.',
          params: RunId,
          querystring: Type.Object({
            maxPoints: Type.Integer({
              ...{ minimum: 2, maximum: 10_000, default: 1000 },
              description: 'Most points of each curve',
            }),
            buckets: Type.Boolean({
              default: true,
              description:
                'With the curves of single timestep ranges; a long training is sooner read without',
            }),
          }),
          response: { 200: Telemetry, 404: ErrorAnswer },
        },
      },
      async ({ params: { id }, query: { maxPoints, buckets } }) => {
        await getRun(store, id);
        const training = await trainingFolder({ store, artifacts, places }, id, isGrowing);
        return curvesOf(training, { maxPoints, buckets });
      },
    );

    app.get(
      '/runs/:id/validation/:step',
      {
        schema: {
          tags: ['runs'],
          summary: 'Images of the first validation scenes after a measured step of the training, as one PNG',
          params: Type.Object({ ...RunId.properties, step: Type.Integer({ minimum: 0 }) }),
        },
      },
      async ({ params: { id, step } }, reply) => {
        const grid = (folder: string) => gridFile(folder, step);
        const training = await trainingFolder({ store, artifacts, places }, id, (file) => file === grid(''));
        const png = await readFile(grid(training)).catch(() => {
          throw new DiptychError('DIPTYCH_NOT_FOUND', `run ${id} has no images of step ${step}`);
        });
        return reply.header('cache-control', 'no-cache').type('image/png').send(png);
      },
    );

    app.get(
      '/runs/:id/artifacts',
      {
        schema: {
          tags: ['runs'],
          params: RunId,
          querystring: Type.Object(Paging),
          response: { 200: page(Artifact), 404: ErrorAnswer },
        },
      },
      async ({ params, query: { cursor, limit } }) => {
        await getRun(store, params.id);
        const after = fromCursor(cursor, Type.String()) ?? '';
        const items = await listArtifacts(store, params.id, { after, limit });
        return { items, next: nextCursor(items, limit, ({ name }) => name) };
      },
    );

    app.get(
      '/runs/:id/artifacts/*',
      {
        config: { streams: true },
        schema: {
          tags: ['runs'],
          summary: 'Download an artifact that is a file, or a range of it',
          params: Type.Intersect([RunId, Type.Object({ '*': Type.String() })]),
        },
      },
      async (request, reply) => {
        const { id, '*': name } = request.params as { id: string; '*': string };
        return sendFile({ request, reply, artifacts }, id, await findArtifact(store, id, name));
      },
    );
  };
}

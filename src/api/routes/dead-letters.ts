/** Dead letters of all runs: what was tried again and again in vain. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { listDeadLetters, retryDeadLetter } from '../../jobs/dead-letters.ts';
import { ErrorAnswer, fromCursor, nextCursor, Paging, page } from '../schemas.ts';
import type { Services } from '../services.ts';

const LetterId = Type.Object({ id: Type.String({ format: 'uuid', description: 'Dead letter' }) });
/** Microseconds since 1970, and the id. */
const Place = Type.Object({
  micros: Type.String({ pattern: '^[0-9]{1,17}$' }),
  id: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
});

const DeadLetter = Type.Object({
  id: Type.String(),
  runId: Type.String(),
  stage: Type.String(),
  units: Type.Integer({ description: 'Of the stage, that it stood for' }),
  attempts: Type.Integer(),
  reason: Type.String(),
  lost: Type.Array(Type.String(), {
    description: 'img_id of what the run goes on without; empty: it can not go on without this task',
  }),
  at: Type.String(),
});

export function deadLetterRoutes({ store, boss }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/dead-letters',
      {
        schema: {
          tags: ['runs'],
          summary: 'Tasks of all runs that were given up, with the reason of each, the newest first',
          querystring: Type.Object(Paging),
          response: { 200: page(DeadLetter), 400: ErrorAnswer },
        },
      },
      async ({ query: { cursor, limit } }) => {
        const letters = await listDeadLetters(store, fromCursor(cursor, Place) ?? null, limit);
        return {
          items: letters.map(({ at, ...letter }) => ({ ...letter, at: at.toISOString() })),
          next: nextCursor(letters, limit, ({ micros, id }) => ({ micros, id })),
        };
      },
    );

    app.post(
      '/dead-letters/:id/retry',
      {
        schema: {
          tags: ['runs'],
          summary: 'Try one of them again, while its run has not gone on without it',
          params: LetterId,
          response: { 204: Type.Null(), 404: ErrorAnswer, 409: ErrorAnswer },
        },
      },
      async ({ params }, reply) => {
        await retryDeadLetter(store, boss, params.id);
        return reply.status(204).send(null);
      },
    );
  };
}

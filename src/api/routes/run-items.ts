/** Annotations of a run as rows: what galleries sort, filter and form pairs of. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { getRun } from '../../jobs/runs.ts';
import { VARIANTS } from '../../store/candidates.ts';
import { listRunItems } from '../../store/run-items.ts';
import { ErrorAnswer, fromCursor, nextCursor, Paging, page, RunId } from '../schemas.ts';
import type { Services } from '../services.ts';

const Item = Type.Object({
  imgId: Type.String(),
  prompt: Type.String(),
  labels: Type.Array(Type.String(), { description: 'Of its items, each once' }),
  relations: Type.Array(Type.String(), { description: 'Predicates, each once' }),
  candidates: Type.Array(
    Type.Object({
      id: Type.String(),
      slot: Type.Integer(),
      seed: Type.Union([Type.Integer(), Type.Null()], { description: 'Null: imported, and unknown' }),
      sha256: Type.String({ description: 'The image is at /v1/blobs/SHA256' }),
      width: Type.Integer(),
      height: Type.Integer(),
      scores: Type.Record(Type.String(), Type.Number(), { description: 'Raw values by metric' }),
    }),
  ),
  failed: Type.Array(Type.String(), {
    description: 'What failed alone of it: "image", or a metric; see /failures',
  }),
});

export function runItemRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/runs/:id/items',
      {
        schema: {
          tags: ['candidates'],
          summary: 'Annotations of a run with raw scores of their candidates, without evidence',
          description:
            'In the order of img_id. Rewards and pairs follow from the scores and the policy that one likes.',
          params: RunId,
          querystring: Type.Object({
            ...Paging,
            limit: Type.Integer({
              minimum: 1,
              maximum: 2000,
              default: 500,
              description: 'Most entries on a page',
            }),
            variant: Type.Enum([...VARIANTS], { default: 'curated' }),
          }),
          response: { 200: page(Item), 404: ErrorAnswer },
        },
      },
      async ({ params: { id }, query: { cursor, limit, variant } }) => {
        await getRun(store, id);
        const after = fromCursor(cursor, Type.String()) ?? '';
        const items = await listRunItems(store, id, variant, { after, limit });
        return { items, next: nextCursor(items, limit, ({ imgId }) => imgId) };
      },
    );
  };
}

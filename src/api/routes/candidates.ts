/** Candidates, their scores with the evidence, their images. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { DiptychError } from '../../errors.ts';
import { getRun } from '../../jobs/runs.ts';
import { getCandidate, listScored } from '../../store/candidates.ts';
import {
  Anything,
  ErrorAnswer,
  fromCursor,
  nextCursor,
  Paging,
  page,
  RunId,
  VariantQuery,
} from '../schemas.ts';
import type { Services } from '../services.ts';

/** Drawn images are PNGs, imported ones what they were. */
const imageType = (bytes: Buffer) =>
  bytes[0] === 0xff ? 'image/jpeg' : bytes[0] === 0x52 ? 'image/webp' : 'image/png';

const CandidateKey = Type.Object({
  imgId: Type.String(),
  slot: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
});
const Candidate = Type.Object({
  id: Type.String(),
  imgId: Type.String(),
  prompt: Type.String(),
  variant: Type.String(),
  slot: Type.Integer(),
  seed: Type.Union([Type.Integer(), Type.Null()], { description: 'Null: imported, and unknown' }),
  sha256: Type.String({ description: 'The image is at /v1/blobs/SHA256' }),
  width: Type.Integer(),
  height: Type.Integer(),
  generation: Anything,
  scores: Type.Record(Type.String(), Type.Number(), { description: 'Raw values by metric' }),
});

export function candidateRoutes({ store, blobs }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/runs/:id/candidates',
      {
        schema: {
          tags: ['candidates'],
          params: RunId,
          querystring: Type.Object({ ...Paging, ...VariantQuery }),
          response: { 200: page(Candidate), 404: ErrorAnswer },
        },
      },
      async ({ params, query: { cursor, limit, variant } }) => {
        await getRun(store, params.id);
        const after = fromCursor(cursor, CandidateKey);
        const items = await listScored(store, params.id, variant, { after, limit });
        return { items, next: nextCursor(items, limit, ({ imgId, slot }) => ({ imgId, slot })) };
      },
    );

    app.get(
      '/candidates/:id',
      {
        schema: {
          tags: ['candidates'],
          summary: 'A candidate with the evidence of its scores',
          params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
          response: { 200: Anything, 404: ErrorAnswer },
        },
      },
      async ({ params }) => {
        const candidate = await getCandidate(store, params.id);
        if (!candidate) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no candidate ${params.id}`);
        const { annotation, scores, seed, ...rest } = candidate;
        return {
          ...rest,
          seed: seed === null ? null : Number(seed),
          prompt: annotation.prompt,
          annotation: annotation.body,
          scores: scores.map(({ candidateId: _, ...score }) => score),
        };
      },
    );

    app.get(
      '/blobs/:sha256',
      {
        schema: {
          tags: ['candidates'],
          summary: 'An image by its content hash',
          params: Type.Object({ sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) }),
        },
      },
      async ({ params }, reply) => {
        const bytes = await blobs.get(params.sha256);
        return reply
          .header('cache-control', 'public, max-age=31536000, immutable')
          .type(imageType(bytes))
          .send(bytes);
      },
    );
  };
}

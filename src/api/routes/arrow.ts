/** Scores, rewards and pairs of a run as Arrow streams, row by row from the store. */
import { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import { type Static, type TSchema, Type } from 'typebox';
import { Check, Default, Errors } from 'typebox/value';
import { exportPolicy } from '../../../pipelines/exports.ts';
import { ExportRequest } from '../../../pipelines/settings.ts';
import { asError, DiptychError } from '../../errors.ts';
import { arrowStream } from '../../export/arrow.ts';
import { pairStream, type RowStream, rewardStream, scoreStream, selected } from '../../export/streams.ts';
import { getRun } from '../../jobs/runs.ts';
import { RunId, VariantQuery } from '../schemas.ts';
import type { Services } from '../services.ts';

const Columns = {
  columns: Type.Optional(
    Type.String({ description: 'Names of the columns, with commas between; absent: all' }),
  ),
};
const asInExports = (what: string) =>
  Type.Optional(
    Type.String({ description: `${what}, as JSON, as an export takes it; absent: the run's own` }),
  );
const Policy = {
  reward: asInExports('Policy and weights'),
  scores: Type.Optional(
    Type.String({ description: 'Which scores count, as JSON, as an export takes it; absent: the newest' }),
  ),
};
const { reward: Reward, pairs: Pairs, scores: Scores } = ExportRequest.properties;

export function arrowRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/runs/:id/scores.arrow',
      {
        config: { streams: true },
        schema: {
          tags: ['candidates'],
          summary: 'All scores as an Arrow stream: a row per candidate and metric',
          params: RunId,
          querystring: Type.Object({ ...VariantQuery, ...Columns }),
        },
      },
      async ({ params: { id }, query: { variant, columns } }, reply) => {
        await getRun(store, id);
        return send(reply, scoreStream(store, id, variant), columns);
      },
    );

    app.get(
      '/runs/:id/rewards.arrow',
      {
        config: { streams: true },
        schema: {
          tags: ['candidates'],
          summary: 'Curated candidates with scores and reward as an Arrow stream',
          params: RunId,
          querystring: Type.Object({ ...Columns, ...Policy }),
        },
      },
      async ({ params: { id }, query: { columns, reward, scores } }, reply) => {
        const request = {
          reward: fromJson('reward', reward, Reward),
          scores: fromJson('scores', scores, Scores),
        };
        const { source, policy } = await exportPolicy(store, id, request);
        return send(reply, rewardStream(store, source.id, policy), columns);
      },
    );

    app.get(
      '/runs/:id/pairs.arrow',
      {
        config: { streams: true },
        schema: {
          tags: ['candidates'],
          summary: 'Pairs of curated candidates as an Arrow stream',
          params: RunId,
          querystring: Type.Object({
            ...{ ...Columns, ...Policy },
            pairs: asInExports('Policy, margin and ties'),
          }),
        },
      },
      async ({ params: { id }, query: { columns, reward, pairs, scores } }, reply) => {
        const { source, policy } = await exportPolicy(store, id, {
          reward: fromJson('reward', reward, Reward),
          pairs: fromJson('pairs', pairs, Pairs),
          scores: fromJson('scores', scores, Scores),
        });
        return send(reply, pairStream(store, source.id, policy), columns);
      },
    );
  };
}

function send(reply: FastifyReply, { columns, rows }: RowStream, names: string | undefined) {
  const chosen = names === undefined ? columns : selected(columns, names.split(','));
  return reply.type('application/vnd.apache.arrow.stream').send(Readable.from(arrowStream(chosen, rows)));
}

/** A part of an export's request out of the query. Throws DIPTYCH_INVALID_INPUT for one that is not as its schema. */
function fromJson<T extends TSchema>(
  name: string,
  text: string | undefined,
  schema: T,
): Static<T> | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = Default(schema, JSON.parse(text));
  } catch (thrown) {
    throw new DiptychError('DIPTYCH_INVALID_INPUT', `${name} is "${text}": ${asError(thrown).message}`);
  }
  if (Check(schema, value)) return value;
  const [{ instancePath = '', message = 'is invalid' } = {}] = Errors(schema, value);
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `${name} is ${text}: ${[instancePath.slice(1).replaceAll('/', '.'), message].filter(Boolean).join(' ')}`,
  );
}

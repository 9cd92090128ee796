/** For whoever watches the service: is it alive, can it work, how much does it do? */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { keepMetrics } from '../metrics.ts';
import { notReady } from '../readiness.ts';
import type { Services } from '../services.ts';

const Health = Type.Object({ status: Type.Literal('ok') });
const Readiness = Type.Object({
  status: Type.Enum(['ready', 'not ready']),
  lacking: Type.Array(Type.String(), { description: 'What the service waits for' }),
});

export function healthRoutes(services: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { access: 'anyone' } as const;

    app.get(
      '/healthz',
      { config, schema: { tags: ['service'], summary: 'The process answers', response: { 200: Health } } },
      async () => ({ status: 'ok' as const }),
    );

    app.get(
      '/readyz',
      {
        config,
        schema: {
          tags: ['service'],
          summary: 'Database, migrations and the folder of images can be used',
          response: { 200: Readiness, 503: Readiness },
        },
      },
      async (_request, reply) => {
        const lacking = await notReady(services);
        return lacking.length === 0
          ? { status: 'ready' as const, lacking }
          : reply.status(503).send({ status: 'not ready' as const, lacking });
      },
    );

    const metrics = keepMetrics(app, services);
    app.get(
      '/metrics',
      {
        schema: {
          tags: ['service'],
          summary: 'Prometheus metrics of the process, the queue, runs and stages',
          produces: ['text/plain'],
        },
      },
      async (_request, reply) => reply.type(metrics.contentType).send(await metrics.read()),
    );
  };
}

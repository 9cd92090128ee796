/** Reports of runs: pages of their own, as the run left them. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { findArtifact } from '../../store/artifacts.ts';
import { RunId } from '../schemas.ts';
import type { Services } from '../services.ts';

export function reportRoutes({ store, artifacts }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    const options = { config: { streams: true }, schema: { hide: true, params: RunId } };
    app.get('/reports/:id', options, async ({ params }, reply) => {
      const report = await findArtifact(store, params.id, 'report.html');
      return reply.type('text/html').send(await artifacts.read(params.id, report));
    });
  };
}

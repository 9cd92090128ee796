/** The whole HTTP application: plugins, routes by resource, one way to answer errors. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyInstance } from 'fastify';
import { answerErrors } from './errors.ts';
import { annotationRoutes } from './routes/annotation-sets.ts';
import { candidateRoutes } from './routes/candidates.ts';
import { exportRoutes } from './routes/exports.ts';
import { importRoutes } from './routes/imports.ts';
import { reportRoutes } from './routes/reports.ts';
import { runRoutes } from './routes/runs.ts';
import type { Services } from './services.ts';

export type App = FastifyInstance;

export async function buildApp(services: Services): Promise<App> {
  const app = Fastify({
    logger: false,
    // Unknown settings are an error, not silently dropped.
    ajv: { customOptions: { removeAdditional: false, allErrors: false } },
    forceCloseConnections: true,
  }).withTypeProvider<TypeBoxTypeProvider>();
  answerErrors(app);
  await app.register(swagger, {
    openapi: {
      // 3.1 is JSON Schema as the routes use it: null as a type, numbers as exclusive limits.
      openapi: '3.1.0',
      info: {
        title: 'Diptych',
        description: 'Scene graphs in, preference pairs and a better image model out.',
        version: '0.1.0',
      },
      tags: [
        { name: 'annotations', description: 'LAION-SG scene graphs in named sets' },
        { name: 'runs', description: 'Asked-for work: curate, train, evaluate' },
        { name: 'candidates', description: 'Generated images and their scores' },
        { name: 'exports', description: 'Dataset versions as files for other tools' },
        { name: 'imports', description: 'Images, scores and preferences that were made elsewhere' },
      ],
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  await app.register(annotationRoutes(services), { prefix: '/v1' });
  await app.register(runRoutes(services), { prefix: '/v1' });
  await app.register(candidateRoutes(services), { prefix: '/v1' });
  await app.register(exportRoutes(services), { prefix: '/v1' });
  await app.register(importRoutes(services), { prefix: '/v1' });
  await app.register(reportRoutes(services));
  return app;
}

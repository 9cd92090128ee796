/** The whole HTTP application: plugins, routes by resource, one way to answer errors. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { log as serviceLog } from '../log.ts';
import { type AccessOptions, forAnyone, guardAccess } from './access.ts';
import { answerBrokenRequests, answerErrors } from './errors.ts';
import { sendSafeHeaders } from './headers.ts';
import { BODY_BYTES, limitAnswers, shedLoad } from './load.ts';
import { allowDefaults } from './openapi.ts';
import { servePages } from './pages.ts';
import { logRequests } from './request-log.ts';
import { annotationRoutes } from './routes/annotation-sets.ts';
import { arrowRoutes } from './routes/arrow.ts';
import { candidateRoutes } from './routes/candidates.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { exportRoutes } from './routes/exports.ts';
import { healthRoutes } from './routes/health.ts';
import { importRoutes } from './routes/imports.ts';
import { qualityRoutes } from './routes/quality.ts';
import { reportRoutes } from './routes/reports.ts';
import { runItemRoutes } from './routes/run-items.ts';
import { runRoutes } from './routes/runs.ts';
import { sessionRoutes } from './routes/session.ts';
import { voteRoutes } from './routes/votes.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { workerRoutes } from './routes/workers.ts';
import type { Services } from './services.ts';
import { refuseUnstorable } from './storable.ts';

export type App = FastifyInstance;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface AppOptions extends Partial<Pick<AccessOptions, 'exposed' | 'limits'>> {
  log?: FastifyBaseLogger;
}

export async function buildApp(
  services: Services,
  { log = serviceLog as FastifyBaseLogger, ...access }: AppOptions = {},
): Promise<App> {
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request' }),
    bodyLimit: BODY_BYTES,
    // Unknown settings are an error, not silently dropped.
    ajv: {
      customOptions: { removeAdditional: false, allErrors: false },
      // Its own takes "urn:uuid:…" too, which PostgreSQL does not.
      onCreate: (ajv) => ajv.addFormat('uuid', UUID),
    },
    ...answerBrokenRequests,
    // What is under way is finished first (server.ts sets the limit).
    forceCloseConnections: 'idle',
  }).withTypeProvider<TypeBoxTypeProvider>();
  answerErrors(app);
  logRequests(app);
  limitAnswers(app);
  await sendSafeHeaders(app);
  await shedLoad(app);
  await guardAccess(app, { store: services.store, exposed: false, ...access });
  refuseUnstorable(app);
  await app.register(swagger, {
    transformObject: (document) =>
      allowDefaults('openapiObject' in document ? document.openapiObject : document.swaggerObject),
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
        { name: 'webhooks', description: 'Who is told when a run has ended' },
        { name: 'service', description: 'Signing in, and how the service is' },
        { name: 'imports', description: 'Images, scores and preferences that were made elsewhere' },
        { name: 'votes', description: 'What people prefer, blind' },
      ],
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      security: [{ key: [] }, {}],
    },
  });
  await app.register(async (pages) => {
    pages.addHook('onRoute', forAnyone);
    await pages.register(swaggerUi, { routePrefix: '/docs' });
  });
  await app.register(annotationRoutes(services), { prefix: '/v1' });
  await app.register(runRoutes(services), { prefix: '/v1' });
  await app.register(deadLetterRoutes(services), { prefix: '/v1' });
  await app.register(workerRoutes(services), { prefix: '/v1' });
  await app.register(candidateRoutes(services), { prefix: '/v1' });
  await app.register(arrowRoutes(services), { prefix: '/v1' });
  await app.register(runItemRoutes(services), { prefix: '/v1' });
  await app.register(exportRoutes(services), { prefix: '/v1' });
  await app.register(qualityRoutes(services), { prefix: '/v1' });
  await app.register(importRoutes(services), { prefix: '/v1' });
  await app.register(voteRoutes(services), { prefix: '/v1' });
  await app.register(reportRoutes(services));
  await app.register(webhookRoutes(services), { prefix: '/v1' });
  await app.register(sessionRoutes(services), { prefix: '/v1' });
  await app.register(healthRoutes(services));
  await servePages(app);
  return app;
}

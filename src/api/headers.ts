/** What browsers are told: run no script but this service's files, embed it nowhere, guess no types. */
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

export async function sendSafeHeaders(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        // Reports are single files with their styles inside, and charts set colours.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Whether there is TLS is known to the proxy in front, which may send this header.
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  });
}

/** One line for each answer, loud where something is wrong: what changes things is told, what only reads is not. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    request.log[levelOf(request, reply)](
      {
        method: request.method,
        // Without the query.
        path: request.url.split('?')[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        key: request.caller?.keyId,
        address: request.ip,
      },
      'answered',
    );
  });
}

function levelOf({ method }: FastifyRequest, { statusCode }: FastifyReply) {
  if (statusCode >= 500) return 'error';
  if ([401, 403, 429].includes(statusCode)) return 'warn';
  return method === 'GET' || method === 'HEAD' ? 'debug' : 'info';
}

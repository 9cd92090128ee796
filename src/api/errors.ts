/** Errors as `{error: {code, message}}`: codes from the catalogue, messages that quote the wrong value. */
import type { FastifyError, FastifyInstance, FastifyServerOptions } from 'fastify';
import { DiptychError, ERROR_CODES, type ErrorCode } from '../errors.ts';
import { withoutSecrets } from '../secrets.ts';

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    const { code, message } = describe(thrown, {
      body: request.body,
      querystring: request.query,
      params: request.params,
    });
    if (code === 'DIPTYCH_INTERNAL') request.log.error({ err: thrown }, 'request failed');
    reply.status(ERROR_CODES[code].status).send({ error: { code, message: withoutSecrets(message) } });
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `there is no ${request.method} ${request.url.split('?')[0]}; see /docs`;
    reply.status(404).send({ error: { code: 'DIPTYCH_NOT_FOUND', message: withoutSecrets(message) } });
  });
}

/** What does not get as far as a route: URLs that can't be decoded, and what is no HTTP. */
export const answerBrokenRequests: Pick<FastifyServerOptions, 'frameworkErrors' | 'clientErrorHandler'> = {
  frameworkErrors(thrown, _request, reply) {
    const { code, message } = describe(thrown, {});
    reply
      .status(ERROR_CODES[code].status as never)
      .send({ error: { code, message: withoutSecrets(message) } } as never);
  },
  clientErrorHandler(thrown, socket) {
    if (thrown.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const error = { code: 'DIPTYCH_INVALID_INPUT', message: `the request is not HTTP: ${thrown.code}` };
    const body = JSON.stringify({ error });
    socket.end(
      `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
  },
};

type Parts = Record<string, unknown>;

function describe(thrown: FastifyError, parts: Parts): { code: ErrorCode; message: string } {
  if (thrown instanceof DiptychError) return { code: thrown.code, message: thrown.message };
  if (thrown.validation) return { code: 'DIPTYCH_INVALID_INPUT', message: validationMessage(thrown, parts) };
  if (thrown.statusCode === 413) return { code: 'DIPTYCH_TOO_LARGE', message: thrown.message };
  if (thrown.code === 'FST_ERR_HANDLER_TIMEOUT') {
    return { code: 'DIPTYCH_OVERLOADED', message: 'the answer took too long; ask again, or for less' };
  }
  if (thrown.statusCode !== undefined && thrown.statusCode < 500) {
    return { code: 'DIPTYCH_INVALID_INPUT', message: thrown.message };
  }
  return { code: 'DIPTYCH_INTERNAL', message: 'something went wrong here; the service log says what' };
}

/** "settings.candidates is 1, must be >= 2". */
function validationMessage(thrown: FastifyError, parts: Parts): string {
  const [{ instancePath = '', message = 'is invalid', params = {} } = {}] = thrown.validation!;
  const path = instancePath.split('/').slice(1);
  const value = path.reduce<unknown>(
    (at, key) => (at as Record<string, unknown> | undefined)?.[key],
    parts[thrown.validationContext ?? 'body'],
  );
  const name = path.join('.') || (thrown.validationContext ?? 'body');
  const extra = (params as { additionalProperty?: string }).additionalProperty;
  if (extra !== undefined) return `${name} has "${extra}", which is not a known property`;
  const allowed = (params as { allowedValues?: unknown[] }).allowedValues;
  const must = allowed ? `must be one of ${allowed.join(', ')}` : message;
  const shown = typeof value === 'object' ? '' : ` is ${JSON.stringify(value)},`;
  return `${name}${shown} ${must}`;
}

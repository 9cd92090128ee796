/** What a request may take: size, time and memory. */

import { getHeapStatistics } from 'node:v8';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { DiptychError } from '../errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer, or the body, is a stream that may take any time. */
    streams?: boolean;
  }
}

/** Of a JSON body. Annotations are a stream with a limit for each record (annotations/records.ts). */
export const BODY_BYTES = 1024 * 1024;
/** Until an answer begins, of all that work on few rows. */
const ANSWER_MS = 60_000;
/** Plans and versions read all rows of a set or run. */
export const LONG_ANSWER_MS = 10 * 60_000;
/** A body of any length may take any time, as long as something of it arrives so often. */
const SILENCE_MS = 60_000;
/** Bodies of annotations that are read at once; each holds some records in memory. */
const INGESTS = 8;
/** Of the memory that the process may have. Lateness is no reason: a slow machine is late whenever it starts. */
const HEAP_SHARE = 0.85;
const RETRY_SECONDS = 10;

/** Refuses requests with 503 while the process is short of memory; not those that ask how it is. */
export async function shedLoad(app: FastifyInstance): Promise<void> {
  await app.register(underPressure, {
    maxHeapUsedBytes: HEAP_SHARE * getHeapStatistics().heap_size_limit,
    pressureHandler(request, reply) {
      if (request.routeOptions.config.access === 'anyone') return;
      throw overloaded(reply, 'is short of memory');
    },
  });
  app.server.on('request', (request) => {
    const { headers } = request;
    if (!Number(headers['content-length']) && headers['transfer-encoding'] === undefined) return;
    request.setTimeout(SILENCE_MS, () => request.destroy());
    // The answer may take longer, and the connection may serve others after it.
    request.once('end', () => request.setTimeout(0));
  });
}

/** Answers that don't begin in time are errors, but for routes whose answer or body is a stream. */
export function limitAnswers(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (!route.config?.streams) route.handlerTimeout ??= ANSWER_MS;
  });
}

/** Runs INGESTS at once, and refuses more. */
export function ingestGate() {
  let inside = 0;
  return async <T>(reply: FastifyReply, ingest: () => Promise<T>): Promise<T> => {
    if (inside >= INGESTS) throw overloaded(reply, `reads ${INGESTS} bodies of annotations already`);
    inside++;
    try {
      return await ingest();
    } finally {
      inside--;
    }
  };
}

function overloaded(reply: FastifyReply, why: string): DiptychError {
  reply.header('retry-after', RETRY_SECONDS);
  return new DiptychError('DIPTYCH_OVERLOADED', `the service ${why}; ask again in ${RETRY_SECONDS} s`);
}

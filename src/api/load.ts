/** What a request may take: size, time, and a share of a process that has other things to do. */

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
/** The event loop is so late when the process can't keep up. */
const LATE_MS = 2000;
const HEAP_SHARE = 0.85;
const RETRY_SECONDS = 10;

/** Refuses requests with 503 while the process is late or short of memory; not those that ask how it is. */
export async function shedLoad(app: FastifyInstance): Promise<void> {
  await app.register(underPressure, {
    maxEventLoopDelay: LATE_MS,
    maxHeapUsedBytes: HEAP_SHARE * getHeapStatistics().heap_size_limit,
    pressureHandler(request, reply, type) {
      if (request.routeOptions.config.access === 'anyone') return;
      throw overloaded(reply, type === 'eventLoopDelay' ? 'is behind with its work' : 'is short of memory');
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

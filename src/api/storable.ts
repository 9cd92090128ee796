/** Text that no database keeps is refused before it gets to one. */
import type { FastifyInstance } from 'fastify';
import { findUnstorable } from '../annotations/validate.ts';
import { DiptychError } from '../errors.ts';

export function refuseUnstorable(app: FastifyInstance): void {
  app.addHook('preHandler', async ({ params, query, body }) => {
    // Only parsed bodies: a stream is checked record by record.
    const streamed = body !== null && typeof body === 'object' && Symbol.asyncIterator in body;
    const problem = findUnstorable({ params, query, body: streamed ? null : body });
    if (problem) throw new DiptychError('DIPTYCH_INVALID_INPUT', `${problem.field} ${problem.reason}`);
  });
}

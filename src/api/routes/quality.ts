/** The quality report of a run: made as an export in the layout "quality", shown with what failed. */
import { readFile } from 'node:fs/promises';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { DiptychError } from '../../errors.ts';
import { QUALITY_REPORT } from '../../export/layouts/quality.ts';
import { newestMade } from '../../jobs/exports.ts';
import { failureGroups } from '../../jobs/failures.ts';
import { getRun } from '../../jobs/runs.ts';
import { findArtifact } from '../../store/artifacts.ts';
import { ErrorAnswer, RunId } from '../schemas.ts';
import type { Services } from '../services.ts';

/** Groups of failures that the answer lists. */
const LISTED_FAILURES = 50;

const Quality = Type.Object({
  export: Type.String({ description: 'The export that it was made as' }),
  version: Type.String({ description: 'Dataset version that it is about' }),
  report: Type.Unknown({ description: 'docs/quality.md says what each number means' }),
  failures: Type.Array(
    Type.Object({
      stage: Type.String(),
      what: Type.String({ description: '"image", or the name of the metric' }),
      reason: Type.String(),
      count: Type.Integer(),
    }),
    { description: `What failed and why, the most frequent first, at most ${LISTED_FAILURES}` },
  ),
});

export function qualityRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/runs/:id/quality',
      {
        schema: {
          tags: ['exports'],
          summary: "The newest quality report of a run's candidates",
          description:
            'Images are decoded for it, so it is made as an export: POST /v1/runs/{id}/exports {"layout": "quality"}.',
          params: RunId,
          querystring: Type.Object({
            version: Type.Optional(
              Type.String({
                pattern: '^[0-9a-f]{64}$',
                description: 'Dataset version that it must be about',
              }),
            ),
          }),
          response: { 200: Quality, 404: ErrorAnswer },
        },
      },
      async ({ params: { id }, query: { version } }) => {
        await getRun(store, id);
        const made = await newestMade(store, id, 'quality', version);
        if (!made) {
          const which = version === undefined ? '' : ` of version ${version}`;
          throw new DiptychError(
            'DIPTYCH_NOT_FOUND',
            `run ${id} has no quality report${which} yet; ask for one: POST /v1/runs/${id}/exports {"layout": "quality"}`,
          );
        }
        const file = await findArtifact(store, made.id, `quality/${QUALITY_REPORT}`);
        const { version: _, ...report } = JSON.parse(await readFile(file.path, 'utf8'));
        const failures = await failureGroups(store, id, LISTED_FAILURES);
        return { export: made.id, version: made.version, report, failures };
      },
    );
  };
}

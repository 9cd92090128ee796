/** Curves of the chosen runs, asked for again while one of them trains. */
import { answered, api } from '../../api/client.ts';
import { type Resource, useResource } from '../../api/use-resource.ts';
import { shortId } from '../../format.ts';
import type { RunCurves } from './curves.ts';

const POLL_MS = 3000;
const MAX_POINTS = 1500;

interface CurvesQuery {
  /** While one of the runs trains. */
  polls: boolean;
  /** With those of single timestep ranges, which of a long training come later. */
  buckets: boolean;
}

export function useCurves(ids: readonly string[], { polls, buckets }: CurvesQuery): Resource<RunCurves[]> {
  return useResource(
    ids.length > 0 ? `curves/${buckets}/${ids.join()}` : null,
    () =>
      Promise.all(
        ids.map(async (id): Promise<RunCurves> => {
          const params = { path: { id }, query: { maxPoints: MAX_POINTS, buckets } };
          const telemetry = await answered(api.GET('/v1/runs/{id}/telemetry', { params }));
          return { id, name: shortId(id), telemetry };
        }),
      ),
    () => (polls ? POLL_MS : null),
  );
}

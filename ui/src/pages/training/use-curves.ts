/** Curves of the chosen runs, asked for again while one of them trains. */
import { answered, api, isActive, type Run } from '../../api/client.ts';
import { type Resource, useResource } from '../../api/use-resource.ts';
import { shortId } from '../../format.ts';
import type { RunCurves } from './curves.ts';

const POLL_MS = 3000;
const MAX_POINTS = 1500;

/** `buckets`: with those of single timestep ranges, which of a long training come later. */
export function useCurves(chosen: readonly Run[], buckets: boolean): Resource<RunCurves[]> {
  return useResource(
    chosen.length > 0 ? `curves/${buckets}/${chosen.map(({ id }) => id).join()}` : null,
    () =>
      Promise.all(
        chosen.map(async ({ id }): Promise<RunCurves> => {
          const params = { path: { id }, query: { maxPoints: MAX_POINTS, buckets } };
          const telemetry = await answered(api.GET('/v1/runs/{id}/telemetry', { params }));
          return { id, name: shortId(id), telemetry };
        }),
      ),
    () => (chosen.some(isActive) ? POLL_MS : null),
  );
}

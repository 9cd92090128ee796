/** What people said about the curated candidates of a run. */
import type { Vote } from '../../../src/preference/votes.ts';
import { answered, api, everyPage } from './client.ts';
import { type Resource, useResource } from './use-resource.ts';

const PAGE = 500;
/** Others may be voting. */
const POLL_MS = 10_000;

export function useRunVotes(id: string | null): Resource<Vote[]> {
  return useResource(
    id && `votes/${id}`,
    async () => {
      const votes: Vote[] = [];
      const path = { id: id! };
      const pages = everyPage((cursor) =>
        answered(api.GET('/v1/runs/{id}/votes', { params: { path, query: { cursor, limit: PAGE } } })),
      );
      for await (const page of pages) votes.push(...page.filter(({ mode }) => mode !== 'study'));
      return votes;
    },
    () => POLL_MS,
  );
}

/** Votes of people on a run's candidates. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { DiptychError } from '../../errors.ts';
import { askedMode, VOTE_MODES } from '../../preference/comparisons.ts';
import type { Store } from '../../store/client.ts';
import { castVote, listVotes, type NewVote, OUTCOMES, undoVote, voteRevision } from '../../store/votes.ts';
import { countOnce, nextComparisons } from '../next-comparisons.ts';
import { Anything, ErrorAnswer, fromCursor, nextCursor, Paging, page, RunId } from '../schemas.ts';
import type { Services } from '../services.ts';
import { voteSummary } from '../vote-summary.ts';

const Uuid = Type.String({ format: 'uuid' });
const Voter = Type.String({
  pattern: '^\\S(.{0,58}\\S)?$',
  description: 'Name of who votes: 1 to 60 characters, none of them a space at the ends',
});
const Comparison = Type.Object({
  imgId: Type.String(),
  prompt: Type.String(),
  annotation: Anything,
  shown: Type.Array(
    Type.Object({
      id: Type.String(),
      sha256: Type.String({ description: 'The image is at /v1/blobs/SHA256' }),
      width: Type.Integer(),
      height: Type.Integer(),
    }),
    { description: 'The images in the order in which to show them' },
  ),
});
const Ids = (description: string) => Type.Array(Uuid, { maxItems: 16, uniqueItems: true, description });
const NewVoteBody = Type.Object(
  {
    voter: Voter,
    shown: Ids('Candidates as they were shown, from the left'),
    outcome: Type.Enum([...OUTCOMES], { description: 'both-good, both-bad: none is better' }),
    ranking: Ids('All of them, best first; empty unless the outcome is "ranking"'),
    seconds: Type.Number({ minimum: 0, description: 'From when the images could be seen to the answer' }),
  },
  { additionalProperties: false },
);
const Vote = Type.Object({
  id: Type.String(),
  annotationId: Type.String(),
  voter: Type.String(),
  mode: Type.String(),
  candidates: Type.Array(Type.String(), { description: 'In the order of variant and slot' }),
  shown: Type.Array(Type.String()),
  outcome: Type.String(),
  ranking: Type.Array(Type.String()),
  seconds: Type.Number(),
  revision: Type.Integer(),
  createdAt: Type.String(),
});
const Interval = Type.Union([Type.Array(Type.Number()), Type.Null()], {
  description: '95%, by Wilson',
});
const Nullable = Type.Union([Type.Number(), Type.Null()]);
const Share = Type.Object({ count: Type.Integer(), share: Nullable, interval95: Interval });
const counts = <const K extends string>(names: readonly K[]) =>
  Object.fromEntries(names.map((name) => [name, Type.Integer()])) as Record<
    K,
    ReturnType<typeof Type.Integer>
  >;
const Agreement = Type.Object({
  voters: Type.Array(
    Type.Object({
      voters: Type.Array(Type.String(), { description: 'Two' }),
      count: Type.Integer({ description: 'Pairs of images that both judged' }),
      agreement: Type.Number(),
      kappa: Nullable,
    }),
  ),
  kappa: Type.Union([Type.Number(), Type.Null()], {
    description: "Cohen's for two voters, the mean over every two of more",
  }),
});
const Summary = Type.Object({
  revision: Type.Integer({ description: 'Of the votes; `votes` of an export takes it' }),
  modes: Type.Object({
    pair: Type.Object(counts(['comparisons', 'votes'])),
    rank: Type.Object(counts(['comparisons', 'votes'])),
    study: Type.Object(counts(['comparisons', 'votes'])),
  }),
  voters: Type.Array(
    Type.Object({
      voter: Type.String(),
      ...counts(['votes', ...VOTE_MODES]),
      outcomes: Type.Object(counts(OUTCOMES)),
      medianSeconds: Type.Number(),
      machine: Share,
    }),
  ),
  left: Type.Object(Share.properties, {
    description: 'Of answers that prefer one of two images: how often it stood on the left',
  }),
  judged: Type.Integer({ description: 'Pairs of curated candidates that somebody compared' }),
  decided: Type.Integer({ description: 'Those of them where people prefer one' }),
  agreement: Agreement,
  machine: Type.Object(Share.properties, {
    description: "Decided pairs where the run's reward prefers the same candidate",
  }),
  study: Type.Union([
    Type.Object({
      ...counts(['annotations', 'votes', 'base', 'tuned', 'neither']),
      winRate: Nullable,
      interval95: Interval,
      agreement: Agreement,
    }),
    Type.Null(),
  ]),
});
const VoteParams = Type.Object({ ...RunId.properties, vote: Uuid });

export function voteRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  const countComparisons = countOnce(store);
  return async (app) => {
    app.get(
      '/runs/:id/votes/next',
      {
        schema: {
          tags: ['votes'],
          summary: 'What a voter is asked next',
          description:
            'The first comparisons that the voter has not answered, to show the first and load the others. Asked again before an answer, they are the same, with the images in the same places.',
          params: RunId,
          querystring: Type.Object({
            voter: Voter,
            mode: Type.Enum([...VOTE_MODES], {
              default: 'pair',
              description:
                'pair: two candidates; rank: all of an annotation, three or more; study: base against tuned',
            }),
            limit: Type.Integer({ minimum: 1, maximum: 20, default: 4 }),
          }),
          response: {
            200: Type.Object({
              items: Type.Array(Comparison),
              judged: Type.Integer({ description: 'Answered by this voter in this mode' }),
              total: Type.Integer(),
              lastVote: Type.Union([Type.String(), Type.Null()], { description: 'What to undo' }),
            }),
            400: ErrorAnswer,
            404: ErrorAnswer,
            409: ErrorAnswer,
          },
        },
      },
      ({ params, query }) => nextComparisons(store, countComparisons, params.id, query),
    );

    app.post(
      '/runs/:id/votes',
      {
        schema: {
          tags: ['votes'],
          summary: 'Vote; the same vote sent again changes nothing',
          params: RunId,
          body: NewVoteBody,
          response: { 201: Vote, 400: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer },
        },
      },
      async ({ params, body }, reply) => {
        const vote = await castVote(store, await checkedVote(store, { runId: params.id, ...body }));
        return reply.status(201).send({ ...vote, createdAt: vote.createdAt.toISOString() });
      },
    );

    app.delete(
      '/runs/:id/votes/:vote',
      {
        schema: {
          tags: ['votes'],
          summary: 'Undo a vote',
          params: VoteParams,
          response: { 204: Type.Null(), 404: ErrorAnswer },
        },
      },
      async ({ params }, reply) => {
        await undoVote(store, params.id, params.vote);
        return reply.status(204).send(null);
      },
    );

    app.get(
      '/runs/:id/votes',
      {
        schema: {
          tags: ['votes'],
          summary: 'Votes that stand, in the order in which they were given',
          params: RunId,
          querystring: Type.Object(Paging),
          response: { 200: page(Vote), 404: ErrorAnswer },
        },
      },
      async ({ params, query: { cursor, limit } }) => {
        await voteRevision(store, params.id);
        const after = fromCursor(cursor, Type.Integer());
        const votes = await listVotes(store, params.id, { after, limit });
        return {
          items: votes.map((vote) => ({ ...vote, createdAt: vote.createdAt.toISOString() })),
          next: nextCursor(votes, limit, ({ revision }) => revision),
        };
      },
    );

    app.get(
      '/runs/:id/votes/summary',
      {
        schema: {
          tags: ['votes'],
          summary: 'Counts, times, agreement, and the result of a user study (docs/votes.md)',
          params: RunId,
          response: { 200: Summary, 404: ErrorAnswer },
        },
      },
      ({ params }) => voteSummary(store, params.id),
    );
  };
}

/** Throws DIPTYCH_NOT_FOUND for candidates of another run, DIPTYCH_INVALID_INPUT for what nobody was asked. */
async function checkedVote(
  store: Store,
  vote: Omit<NewVote, 'annotationId' | 'mode' | 'candidates'>,
): Promise<NewVote> {
  const { runId, shown, outcome, ranking } = vote;
  const candidates = await store.candidate.findMany({
    where: { runId, id: { in: [...shown] } },
    select: { id: true, annotationId: true, variant: true, slot: true },
    orderBy: [{ variant: 'asc' }, { slot: 'asc' }],
  });
  const ids = candidates.map(({ id }) => id);
  const unknown = shown.find((id) => !ids.includes(id));
  if (unknown !== undefined) {
    throw new DiptychError('DIPTYCH_NOT_FOUND', `run ${runId} has no candidate ${unknown}`);
  }
  const mode = askedMode(candidates);
  if (mode === null) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `shown is ${shown.join(', ')}; compare two or more curated candidates of one annotation, or base and tuned of one slot`,
    );
  }
  const wanted = outcome === 'ranking' ? ids : [];
  if (ranking.toSorted().join() !== wanted.toSorted().join()) {
    const must = outcome === 'ranking' ? 'name every candidate that was shown' : 'be empty';
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `ranking is [${ranking.join(', ')}]; with the outcome "${outcome}" it must ${must}`,
    );
  }
  return { ...vote, annotationId: candidates[0]!.annotationId, mode, candidates: ids };
}

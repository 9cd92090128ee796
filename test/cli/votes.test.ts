import assert from 'node:assert/strict';
import { test } from 'node:test';
import { voteSummary } from '../../src/api/vote-summary.ts';
import { formatVotes } from '../../src/cli/votes.ts';
import { castVote } from '../../src/store/votes.ts';
import { useApp } from '../api/app.ts';
import { runToJudge } from '../api/run-to-judge.ts';

const { store, blobs } = await useApp();

test('the counts of a run, as lines for a terminal', async () => {
  const run = await runToJudge(store, blobs, 1);
  assert.match(formatVotes(await voteSummary(store, run)), /^nobody has voted/);
  const candidates = await store.candidate.findMany({ where: { runId: run }, orderBy: { slot: 'asc' } });
  const { annotationId } = candidates[0]!;
  const idOf = (variant: string, slot: number) =>
    candidates.find((one) => one.variant === variant && one.slot === slot)!.id;
  const vote = (voter: string, mode: 'pair' | 'study', ids: string[], best: number) =>
    castVote(store, {
      ...{ runId: run, annotationId, voter, mode, candidates: ids, shown: ids, outcome: 'ranking' },
      ...{ ranking: best === 0 ? ids : ids.toReversed(), seconds: 2 },
    });
  for (const [voter, best] of [
    ['ada', 1],
    ['bob', 1],
  ] as const) {
    await vote(voter, 'pair', [idOf('curated', 0), idOf('curated', 1)], best);
    await vote(voter, 'pair', [idOf('curated', 1), idOf('curated', 2)], 0);
  }
  await vote('ada', 'study', [idOf('base', 0), idOf('tuned', 0)], 1);
  assert.deepEqual(formatVotes(await voteSummary(store, run)).split('\n'), [
    'voter  votes  pairs  ranks  study  good  bad  median s  as the reward',
    'ada        3      2      0      1     0    0       2.0          50.0%',
    'bob        2      2      0      0     0    0       2.0          50.0%',
    '',
    'pair: 4 votes, 6 comparisons',
    'study: 1 votes, 1 comparisons',
    'pairs judged: 2, one preferred in 2',
    'the reward agrees with people: 50.0% [9.5%, 90.5%]',
    'kappa of voters: 1.000',
    'tuned preferred: 100.0% [20.7%, 100.0%] of 1 annotations (1 tuned, 0 base, 0 neither)',
  ]);
});

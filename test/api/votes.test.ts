/** Votes over HTTP: asked, cast, undone, counted, and what exports and trainings make of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Default } from 'typebox/value';
import { planExport } from '../../pipelines/exports.ts';
import { planRun } from '../../pipelines/plan.ts';
import { type ExportRequest, RunRequest } from '../../pipelines/settings.ts';
import { wilsonInterval } from '../../src/evaluation/wilson.ts';
import { rewardedAnnotations } from '../../src/export/source.ts';
import { castVote, listVotes, voteRevision } from '../../src/store/votes.ts';
import { pairsOfRun } from '../../workers/rewarded.ts';
import { useApp } from './app.ts';
import { runToJudge } from './run-to-judge.ts';

const ANNOTATIONS = 6;
const context = await useApp();
const { store, blobs, send } = context;

interface Comparison {
  imgId: string;
  shown: { id: string; sha256: string }[];
}
interface Next {
  items: Comparison[];
  judged: number;
  total: number;
  lastVote: string | null;
}

async function next(run: string, voter: string, mode: string, limit = 1): Promise<Next> {
  const { status, body } = await send(
    'GET',
    `/v1/runs/${run}/votes/next?voter=${voter}&mode=${mode}&limit=${limit}`,
  );
  assert.equal(status, 200, JSON.stringify(body));
  return body as unknown as Next;
}
const ids = ({ shown }: Comparison) => shown.map(({ id }) => id);
async function say(run: string, voter: string, comparison: Comparison, ranking: string[], seconds = 1) {
  const { status, body } = await send('POST', `/v1/runs/${run}/votes`, {
    ...{ voter, shown: ids(comparison), seconds, ranking },
    outcome: ranking.length > 0 ? 'ranking' : 'both-good',
  });
  assert.equal(status, 201, JSON.stringify(body));
  return body.id;
}
const placeOf = async (id: string) => {
  const { variant, slot } = await store.candidate.findUniqueOrThrow({ where: { id } });
  return { variant, slot };
};
/** Prefers the lower slot: the opposite of the machine. */
async function lowerSlot(comparison: Comparison): Promise<string[]> {
  const slots = new Map<string, number>();
  for (const id of ids(comparison)) slots.set(id, (await placeOf(id)).slot);
  return ids(comparison).sort((a, b) => slots.get(a)! - slots.get(b)!);
}

test('a voter is asked for everything once, in both orders equally often, and the same again until it is answered', async () => {
  const run = await runToJudge(store, blobs, 3);
  const seen = new Set<string>();
  let lowerLeft = 0;
  for (let count = 0; ; count++) {
    const { items, judged, total } = await next(run, 'ada', 'pair', 3);
    assert.deepEqual([judged, total], [count, 18]);
    if (items.length === 0) break;
    assert.deepEqual((await next(run, 'ada', 'pair')).items, items.slice(0, 1));
    const [comparison] = items as [Comparison];
    const ranking = await lowerSlot(comparison);
    if (ranking[0] === comparison.shown[0]!.id) lowerLeft++;
    seen.add(ranking.join());
    await say(run, 'ada', comparison, ranking);
  }
  assert.equal(seen.size, 18);
  assert.equal(lowerLeft, 9);
});

test('nothing that is shown tells slot, seed, variant or score', async () => {
  const run = await runToJudge(store, blobs, 1);
  const { items } = await next(run, 'ada', 'study');
  assert.deepEqual(Object.keys(items[0]!).sort(), ['annotation', 'imgId', 'prompt', 'shown']);
  assert.deepEqual(Object.keys(items[0]!.shown[0]!).sort(), ['height', 'id', 'sha256', 'width']);
});

test('a vote that is sent twice counts once; another on the same candidates is refused until the first is undone', async () => {
  const run = await runToJudge(store, blobs, 2);
  const first = await next(run, 'ada', 'pair');
  const [comparison] = first.items as [Comparison];
  const id = await say(run, 'ada', comparison, ids(comparison));
  assert.equal(await say(run, 'ada', comparison, ids(comparison), 9), id);
  assert.equal((await listVotes(store, run)).length, 1);
  const other = { voter: 'ada', shown: ids(comparison), outcome: 'both-bad', ranking: [], seconds: 1 };
  const refused = await send('POST', `/v1/runs/${run}/votes`, other);
  assert.deepEqual([refused.status, refused.body.error.code], [409, 'DIPTYCH_CONFLICT']);
  assert.match(refused.body.error.message, new RegExp(`ada has voted .* undo vote ${id} first`));

  assert.equal((await next(run, 'ada', 'pair')).lastVote, id);
  for (let i = 0; i < 2; i++) assert.equal((await send('DELETE', `/v1/runs/${run}/votes/${id}`)).status, 204);
  assert.deepEqual(await next(run, 'ada', 'pair'), first);
  assert.equal((await send('POST', `/v1/runs/${run}/votes`, other)).status, 201);
  // Two votes and one undoing; the same again raised nothing.
  assert.equal(await voteRevision(store, run), 3);
});

test('of many votes on the same comparison at once one counts, and revisions have no gap', async () => {
  const run = await runToJudge(store, blobs, 2);
  const { items } = await next(run, 'ada', 'pair', 4);
  const votes = items.flatMap((comparison) =>
    ['ada', 'bob'].flatMap((voter) => [1, 2, 3].map(() => say(run, voter, comparison, ids(comparison)))),
  );
  await Promise.all(votes);
  const standing = await listVotes(store, run);
  assert.deepEqual(
    standing.map(({ revision }) => revision),
    Array.from({ length: 8 }, (_, i) => i + 1),
  );
});

test('what nobody is asked is refused by name', async () => {
  const run = await runToJudge(store, blobs, 2);
  const other = await runToJudge(store, blobs, 2);
  const [a, b] = (await next(run, 'ada', 'pair', 2)).items as [Comparison, Comparison];
  const [foreign] = (await next(other, 'ada', 'pair')).items as [Comparison];
  const vote = { voter: 'ada', outcome: 'ranking', seconds: 1 };
  const cases: [object, number, RegExp][] = [
    [{ ...vote, shown: [a.shown[0]!.id, b.shown[0]!.id], ranking: [] }, 400, /^shown is .*of one annotation/],
    [{ ...vote, shown: [a.shown[0]!.id], ranking: [a.shown[0]!.id] }, 400, /compare two or more/],
    [{ ...vote, shown: ids(a), ranking: [a.shown[0]!.id] }, 400, /must name every candidate/],
    [{ ...vote, shown: ids(a), ranking: ids(b) }, 400, /must name every candidate/],
    [{ ...vote, shown: ids(a), ranking: ids(a), outcome: 'both-good' }, 400, /must be empty/],
    [{ ...vote, shown: ids(foreign), ranking: ids(foreign) }, 404, /has no candidate/],
    [{ ...vote, shown: ids(a), ranking: ids(a), voter: ' ada' }, 400, /^voter is " ada"/],
    [{ ...vote, shown: ids(a), ranking: ids(a), seconds: -1 }, 400, /^seconds is -1/],
    [
      { ...vote, shown: ids(a), ranking: ids(a), outcome: 'winner' },
      400,
      /must be one of ranking, both-good/,
    ],
  ];
  for (const [body, status, message] of cases) {
    const answer = await send('POST', `/v1/runs/${run}/votes`, body);
    assert.equal(answer.status, status, JSON.stringify(body));
    assert.match(answer.body.error.message, message);
  }
  assert.equal(await voteRevision(store, run), 0);
  const unknown = '00000000-0000-4000-8000-000000000000';
  for (const [method, url] of [
    ['GET', `/v1/runs/${unknown}/votes/summary`],
    ['GET', `/v1/runs/${unknown}/votes`],
    ['GET', `/v1/runs/${unknown}/votes/next?voter=ada`],
    ['DELETE', `/v1/runs/${run}/votes/${unknown}`],
  ] as const) {
    assert.equal((await send(method, url)).status, 404, url);
  }
});

test('candidates that are still being scored are not asked about', async () => {
  const run = await runToJudge(store, blobs, 1);
  await store.stage.updateMany({ where: { runId: run, name: 'score' }, data: { status: 'running' } });
  const { status, body } = await send('GET', `/v1/runs/${run}/votes/next?voter=ada`);
  assert.equal(status, 409);
  assert.match(body.error.message, /is not scored yet: its stage "score" is running/);
});

test('votes are listed in their order, page by page, without the undone', async () => {
  const run = await runToJudge(store, blobs, 3);
  const { items } = await next(run, 'ada', 'pair', 7);
  const made: string[] = [];
  for (const comparison of items) made.push(await say(run, 'ada', comparison, []));
  await send('DELETE', `/v1/runs/${run}/votes/${made[2]}`);
  const listed: string[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await send('GET', `/v1/runs/${run}/votes?limit=2${cursor}`);
    listed.push(...body.items.map(({ id }) => id as string));
    if (body.next === null) break;
    cursor = `&cursor=${body.next}`;
  }
  assert.deepEqual(listed, made.toSpliced(2, 1));
});

test('the summary counts by voter, mode and outcome, and says how far they agree with each other and the machine', async () => {
  const run = await runToJudge(store, blobs, ANNOTATIONS);
  const { items } = await next(run, 'ada', 'pair', 4);
  for (const [i, comparison] of items.entries()) {
    const low = await lowerSlot(comparison);
    await say(run, 'ada', comparison, low, [1, 2, 4, 100][i]);
    await say(run, 'bob', comparison, i === 0 ? low.toReversed() : i === 1 ? [] : low);
  }
  const { body } = await send('GET', `/v1/runs/${run}/votes/summary`);
  const summary = body as unknown as import('../../src/api/vote-summary.ts').VoteSummary;
  assert.equal(summary.revision, 8);
  assert.deepEqual(summary.modes, {
    pair: { comparisons: 6 * ANNOTATIONS, votes: 8 },
    rank: { comparisons: ANNOTATIONS, votes: 0 },
    study: { comparisons: ANNOTATIONS, votes: 0 },
  });
  const [ada, bob] = summary.voters;
  assert.deepEqual([ada!.voter, ada!.votes, ada!.medianSeconds], ['ada', 4, 3]);
  assert.deepEqual(bob!.outcomes, { ranking: 3, 'both-good': 1, 'both-bad': 0 });
  assert.deepEqual(ada!.machine, { count: 4, share: 0, interval95: wilsonInterval(0, 4) });
  assert.equal(bob!.machine.share, 1 / 3);
  // On the first they contradict each other, so three of four are decided, all against the machine.
  assert.deepEqual([summary.judged, summary.decided, summary.machine.share], [4, 3, 0]);
  const [agreement] = summary.agreement.voters;
  assert.deepEqual([agreement!.voters, agreement!.count, agreement!.agreement], [['ada', 'bob'], 4, 0.5]);
  assert.equal(summary.agreement.kappa, agreement!.kappa);
  assert.equal(summary.left.count, 7);
  assert.equal(summary.study, null);
});

test('a user study: the win rate of the tuned model with its interval, per annotation', async () => {
  const run = await runToJudge(store, blobs, ANNOTATIONS);
  const asked = (await next(run, 'ada', 'study', 20)).items;
  assert.equal(asked.length, ANNOTATIONS);
  let baseLeft = 0;
  for (const [i, comparison] of asked.entries()) {
    const places = await Promise.all(ids(comparison).map(placeOf));
    if (places[0]!.variant === 'base') baseLeft++;
    const best = places.findIndex(({ variant }) => variant === (i < 4 ? 'tuned' : 'base'));
    const [one, two] = ids(comparison) as [string, string];
    await say(run, 'ada', comparison, i === 5 ? [] : best === 0 ? [one, two] : [two, one]);
  }
  assert.equal(baseLeft, ANNOTATIONS / 2);
  const { body } = await send('GET', `/v1/runs/${run}/votes/summary`);
  assert.deepEqual(body.study, {
    ...{ annotations: 6, votes: 6, base: 1, tuned: 4, neither: 1, winRate: 0.75 },
    interval95: wilsonInterval(0.75, 6),
    agreement: { voters: [], kappa: null },
  });
  // A study says nothing about pairs of candidates.
  assert.deepEqual([body.judged, (body.machine as { count: number }).count], [0, 0]);
});

test('a training counts the votes that stood when it was asked for, whatever comes after', async () => {
  const source = await runToJudge(store, blobs, 2);
  const { settings } = Default(RunRequest, {}) as { settings: never };
  const [comparison] = (await next(source, 'ada', 'rank')).items as [Comparison];
  const ranking = await lowerSlot(comparison);
  const id = await say(source, 'ada', comparison, ranking);
  const plan = await planRun(store, {
    kind: 'train',
    annotationSet: 'judged',
    settings: {
      ...(settings as object),
      sourceRun: source,
      reward: { policy: 'mean', weights: { dpg: 1 } },
    } as never,
  });
  const { votes } = plan.stages[0]!.tasks[0]!.payload as { votes: number };
  const policy = {
    reward: { policy: 'mean', weights: { dpg: 1 } },
    pairs: { policy: 'all', margin: 0, ties: 'drop' },
  } as const;
  const fixed = await pairsOfRun(store, source, policy, votes);
  const human = fixed.pairs.filter((pair) => pair.votes);
  assert.equal(human.length, 6);
  assert.ok(
    human.every(
      ({ winner, loser, margin }) => ranking.indexOf(winner) < ranking.indexOf(loser) && margin < 0,
    ),
  );
  assert.ok(fixed.pairs.filter((pair) => !pair.votes).every(({ margin }) => margin > 0));

  await send('DELETE', `/v1/runs/${source}/votes/${id}`);
  const [other] = (await next(source, 'bob', 'pair')).items as [Comparison];
  await say(source, 'bob', other, ids(other));
  assert.deepEqual(await pairsOfRun(store, source, policy, votes), fixed);
  const now = await pairsOfRun(store, source, policy, await voteRevision(store, source));
  assert.equal(now.pairs.filter((pair) => pair.votes).length, 1);
  assert.equal((await pairsOfRun(store, source, policy, 0)).pairs.filter((pair) => pair.votes).length, 0);
});

test('votes make another dataset version; an earlier revision of them gives the earlier one again', async () => {
  const run = await runToJudge(store, blobs, 2);
  const asked = { layout: 'pickapic', writer: 'hyparquet-writer' } as ExportRequest;
  const without = await planExport(store, run, asked);
  const [comparison] = (await next(run, 'ada', 'pair')).items as [Comparison];
  const id = await say(run, 'ada', comparison, await lowerSlot(comparison));
  const voted = await planExport(store, run, asked);
  assert.notEqual(voted.version, without.version);
  assert.equal((await planExport(store, run, { ...asked, votes: 0 })).version, without.version);
  await send('DELETE', `/v1/runs/${run}/votes/${id}`);
  // The same votes, none, are the same version at whatever revision.
  assert.equal((await planExport(store, run, asked)).version, without.version);
  assert.equal((await planExport(store, run, { ...asked, votes: 1 })).version, voted.version);
  await assert.rejects(planExport(store, run, { ...asked, votes: 3 }), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: `votes is 3, but the votes of run ${run} are at revision 2`,
  });
  const reward = { policy: 'mean', weights: { dpg: 1 } } as const;
  const annotations = await Array.fromAsync(rewardedAnnotations(store, run, reward, { votes: 1 }));
  assert.deepEqual(
    annotations.flatMap(({ votes }) => votes.map(({ voter, ranking }) => [voter, ranking[0]! < ranking[1]!])),
    [['ada', true]],
  );
});

test('a vote of a run that is not there is an error, and leaves nothing', async () => {
  const run = await runToJudge(store, blobs, 1);
  const [comparison] = (await next(run, 'ada', 'pair')).items as [Comparison];
  const shown = ids(comparison);
  await assert.rejects(
    castVote(store, {
      ...{ runId: '00000000-0000-4000-8000-000000000000', annotationId: run, voter: 'ada', mode: 'pair' },
      ...{ candidates: shown, shown, outcome: 'ranking', ranking: shown, seconds: 1 },
    }),
    { code: 'DIPTYCH_NOT_FOUND' },
  );
});

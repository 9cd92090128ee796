/** People's order of two candidates, and what it does to pairs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formPairs, PAIR_POLICIES, type PairSettings } from '../../src/preference/pairs.ts';
import { betterOf, judgements, type Vote } from '../../src/preference/votes.ts';
import { createRandom } from '../../src/random.ts';

/** "ada: a1>a0" or "ada: a1=a0": neither is better. */
function vote(text: string): Vote {
  const [, voter, said] = /^(\w+): (.*)$/.exec(text)!;
  const named = said!.split(/[>=]/);
  return { voter: voter!, candidates: named.toSorted(), ranking: said!.includes('=') ? [] : named };
}
const votes = (...texts: string[]) => texts.map(vote);
const REWARDS = [0.5, 0.9, 0.1, 0.7];
const four = REWARDS.map((reward, slot) => ({ id: `a${slot}`, annotationId: 'a', slot, reward }));
const settings = (more: Partial<PairSettings> = {}): PairSettings => ({
  ...{ policy: 'all', margin: 0, ties: 'drop' },
  ...more,
});
const told = (given: Vote[], more: Partial<PairSettings> = {}, dominance = false) =>
  formPairs(four, settings(more), dominance, given).map(
    ({ winner, loser, tie, votes }) => `${winner}>${loser}${tie ? '=' : ''}${votes ? '*' : ''}`,
  );

test('the majority decides, and a voice for neither counts half for each', () => {
  const better = (...texts: string[]) => betterOf(judgements(votes(...texts))[0]!);
  assert.equal(better('ada: x>y'), 'x');
  assert.equal(better('ada: y>x'), 'y');
  assert.equal(better('ada: x=y'), null);
  assert.equal(better('ada: x>y', 'bob: y>x'), null);
  assert.equal(better('ada: x>y', 'bob: y>x', 'cy: y>x'), 'y');
  assert.equal(better('ada: x>y', 'bob: x=y', 'cy: y=x'), 'x');
});

test('a ranking speaks about every two of its candidates; a vote on just two replaces what it says', () => {
  const all = judgements(votes('ada: c>a>b', 'ada: a>c'));
  assert.deepEqual(
    all.map(({ first, second, voices }) => [first, second, voices.get('ada')]),
    [
      ['a', 'b', 'a'],
      ['a', 'c', 'a'],
      ['b', 'c', 'c'],
    ],
  );
});

test('the order of votes does not matter', () => {
  const given = votes('bob: a1>a0', 'ada: a0>a1>a2>a3', 'cy: a2=a3', 'ada: a1>a0', 'bob: a3>a2');
  const random = createRandom(3);
  for (let i = 0; i < 20; i++) {
    const turned = random.shuffle(given);
    assert.deepEqual(judgements(turned), judgements(given));
    assert.deepEqual(formPairs(four, settings(), false, turned), formPairs(four, settings(), false, given));
  }
});

test('people override the machine on the two that they compared, and both orders are kept', () => {
  assert.deepEqual(told(votes('ada: a0>a1')), ['a0>a1*', 'a0>a2', 'a3>a0', 'a1>a2', 'a1>a3', 'a3>a2']);
  const [pair] = formPairs(four, settings(), false, votes('ada: a0>a1', 'bob: a0>a1', 'cy: a1>a0'));
  assert.deepEqual(pair, {
    ...{
      annotationId: 'a',
      winner: 'a0',
      loser: 'a1',
      winnerReward: 0.5,
      loserReward: 0.9,
      margin: 0.5 - 0.9,
    },
    ...{ policy: 'all', tie: false, votes: { winner: 2, loser: 1, neither: 0, voters: ['ada', 'bob'] } },
  });
});

test('neither margin nor dominance stands against people; a tie of theirs is a tie', () => {
  const near = { margin: 10 };
  assert.deepEqual(told(votes('ada: a3>a1'), near), ['a3>a1*']);
  assert.deepEqual(told(votes('ada: a0=a1'), { ...near, ties: 'keep' })[0], 'a0>a1=*');
  assert.deepEqual(told(votes('ada: a0=a1')), ['a0>a2', 'a3>a0', 'a1>a2', 'a1>a3', 'a3>a2']);
  // No candidate has metrics, so none dominates.
  assert.deepEqual(told(votes('ada: a2>a1'), {}, true), ['a2>a1*']);
});

test('a full ranking by people is the order of every policy', () => {
  const ranking = votes('ada: a2>a0>a3>a1');
  assert.deepEqual(told(ranking, { policy: 'best-worst' }), ['a2>a1*']);
  assert.deepEqual(told(ranking, { policy: 'best-rest' }), ['a2>a0*', 'a2>a3*', 'a2>a1*']);
});

test('best and worst count votes where there are any and rewards elsewhere', () => {
  // By reward a1, a3, a0, a2. With a0 over a1 each beats two others of the first three, and rewards decide.
  assert.deepEqual(told(votes('ada: a0>a1'), { policy: 'best-worst' }), ['a1>a2']);
  // With a3 over a1, a3 beats all.
  assert.deepEqual(told(votes('ada: a3>a1'), { policy: 'best-rest' }), ['a3>a1*', 'a3>a0', 'a3>a2']);
});

test('votes on other candidates, and none, change nothing', () => {
  for (const policy of PAIR_POLICIES) {
    const alone = formPairs(four, settings({ policy }));
    assert.deepEqual(formPairs(four, settings({ policy }), false, votes('ada: b0>b1')), alone);
    assert.ok(alone.every(({ votes }) => votes === null));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DEFAULT_PAIRS,
  formPairs,
  type PairSettings,
  type RewardedCandidate,
} from '../../src/preference/pairs.ts';

/** One candidate per reward: a0, a1, ... of annotation a. */
function candidates(annotationId: string, rewards: number[], metrics?: Record<string, number>[]) {
  return rewards.map((reward, slot): RewardedCandidate => {
    const candidate = { id: `${annotationId}${slot}`, annotationId, slot, reward };
    return metrics ? { ...candidate, metrics: metrics[slot]! } : candidate;
  });
}
const settings = (more: Partial<PairSettings> = {}): PairSettings => ({
  policy: 'all',
  margin: 0,
  ties: 'drop',
  ...more,
});
const told = (set: RewardedCandidate[], more: Partial<PairSettings> = {}, dominance = false) =>
  formPairs(set, settings(more), dominance).map(
    ({ winner, loser, tie }) => `${winner}>${loser}${tie ? '=' : ''}`,
  );

const four = candidates('a', [0.5, 0.9, 0.1, 0.7]);

test('all: each unordered pair once, the higher reward first', () => {
  assert.deepEqual(told(four), ['a1>a0', 'a0>a2', 'a3>a0', 'a1>a2', 'a1>a3', 'a3>a2']);
});

test('best-worst: one pair a set; best-rest: the best against each other one', () => {
  assert.deepEqual(told(four, { policy: 'best-worst' }), ['a1>a2']);
  assert.deepEqual(told(four, { policy: 'best-rest' }), ['a1>a3', 'a1>a0', 'a1>a2']);
});

test('a set of one makes no pair, and sets never mix', () => {
  for (const policy of ['all', 'best-worst', 'best-rest'] as const) {
    assert.deepEqual(told(candidates('a', [0.5]), { policy }), []);
    const two = [...candidates('b', [0, 1]), ...candidates('a', [1, 0])];
    assert.deepEqual(told(two, { policy }), ['a0>a1', 'b1>b0']);
  }
});

test('a pair says which candidates, rewards, margin and policy made it', () => {
  const set = candidates('x', [0.25, 0.75]);
  assert.deepEqual(formPairs(set, settings({ policy: 'best-rest', margin: 0.25 })), [
    {
      annotationId: 'x',
      winner: 'x1',
      loser: 'x0',
      winnerReward: 0.75,
      loserReward: 0.25,
      margin: 0.5,
      policy: 'best-rest',
      tie: false,
      votes: null,
    },
  ]);
});

test('differences up to the margin are ties: dropped, or kept and marked', () => {
  const set = candidates('a', [0.5, 0.75, 1]);
  assert.deepEqual(told(set, { margin: 0.25 }), ['a2>a0']);
  assert.deepEqual(told(set, { margin: 0.25, ties: 'keep' }), ['a1>a0=', 'a2>a0', 'a2>a1=']);
  assert.deepEqual(told(set, { margin: 0.24 }).length, 3);
  assert.deepEqual(told(set, { margin: 0.5 }), []);
});

test('equal rewards go by slot, whatever the order of arrival', () => {
  const equal = candidates('a', [0.5, 0.5, 0.5]);
  for (const order of [equal, [...equal].reverse(), [equal[1]!, equal[2]!, equal[0]!]]) {
    assert.deepEqual(told(order), []);
    assert.deepEqual(told(order, { ties: 'keep' }), ['a0>a1=', 'a0>a2=', 'a1>a2=']);
    assert.deepEqual(told(order, { ties: 'keep', policy: 'best-worst' }), ['a0>a2=']);
    assert.deepEqual(told(order, { ties: 'keep', policy: 'best-rest' }), ['a0>a1=', 'a0>a2=']);
  }
});

test('the pairs do not depend on the order in which candidates arrive', () => {
  const set = [...four, ...candidates('b', [0.2, 0.4, 0.4, 0.1]), ...candidates('B', [1, 0])];
  const mixed = [...set].sort((a, b) => b.reward - a.reward);
  assert.deepEqual(formPairs(mixed, settings()), formPairs(set, settings()));
});

test('dominance: a winner is at least as good on every metric and better on one', () => {
  const metrics = [
    { dpg: 1, clip: 0.25 },
    { dpg: 0.5, clip: 0.25 },
    { dpg: 0.25, clip: 0.5 },
    { dpg: 0.25, clip: 0.5 },
  ];
  const set = candidates('a', [0.625, 0.375, 0.374, 0.373], metrics);
  assert.deepEqual(told(set, {}, true), ['a0>a1']);
  // Better on one and equal elsewhere is enough; missing on one side is not compared.
  const [first, second] = candidates('a', [0.6, 0.4], [{ dpg: 1 }, { dpg: 0.5, clip: 9 }]);
  assert.deepEqual(told([first!, second!], {}, true), ['a0>a1']);
  assert.deepEqual(told(candidates('a', [0.6, 0.4]), {}, true), [], 'no metrics, no dominance');
});

test('by default every pair with a difference over 0.05 counts', () => {
  assert.deepEqual(DEFAULT_PAIRS, { policy: 'all', margin: 0.05, ties: 'drop' });
});

test('a candidate without a reward makes no pair, under any policy', () => {
  const set = four.map((candidate) => (candidate.slot === 1 ? { ...candidate, reward: null } : candidate));
  for (const policy of ['all', 'best-worst', 'best-rest'] as const) {
    const pairs = formPairs(set, settings({ policy }));
    assert.ok(
      pairs.length > 0 && pairs.every(({ winner, loser }) => winner !== 'a1' && loser !== 'a1'),
      policy,
    );
  }
});

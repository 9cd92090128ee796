/** The storm's schedule: a function of its seed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BEGINNINGS, drawBeginnings, drawKills, KILLED } from './schedule.ts';

const take = (seed: number, count: number) => [...drawKills(seed).take(count)];

test('a seed names one schedule, another seed another one', () => {
  assert.deepEqual(take(7, 50), take(7, 50));
  assert.notDeepEqual(take(7, 50), take(8, 50));
});

test('every process is struck as often as any other, at moments that differ', () => {
  const kills = take(1, 5 * KILLED.length);
  for (let round = 0; round < 5; round++) {
    const struck = kills.slice(round * KILLED.length, (round + 1) * KILLED.length).map(({ what }) => what);
    assert.deepEqual(struck.sort(), [...KILLED].sort());
  }
  assert.equal(new Set(kills.map(({ after }) => after)).size > 20, true);
  assert.ok(kills.every(({ after }) => after >= 0 && after < 4000));
});

test('storms begin with every stage in turn', () => {
  const begun = [...drawBeginnings(3).take(6)];
  assert.deepEqual(begun, [...drawBeginnings(3).take(6)]);
  for (const turn of [begun.slice(0, 3), begun.slice(3)])
    assert.deepEqual(turn.sort(), [...BEGINNINGS].sort());
});

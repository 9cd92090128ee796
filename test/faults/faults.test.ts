/** The short form of `npm run test:faults`: every process killed once, beside a run that is left alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences, type Outcome, outcomeOf } from './outcome.ts';
import { startSampleRun } from './sample-run.ts';
import { drawKills, KILLED } from './schedule.ts';
import { startWatched } from './service.ts';
import { storm } from './storm.ts';

const SEED = 1;

test('every process is killed once, the database too, and a run leaves what it leaves undisturbed', {
  timeout: 900_000,
}, async (t) => {
  const [calm, stormy] = await Promise.all([startWatched(), startWatched()]);
  t.after(() => Promise.all([calm.stop(), stormy.stop()]));
  const [left, struck] = await Promise.all([startSampleRun(calm), startSampleRun(stormy)]);
  const kills = storm(stormy, struck, 'generate', drawKills(SEED), KILLED.length, (line) =>
    t.diagnostic(line),
  );
  const killed = (await Array.fromAsync(kills)).map(({ what }) => what);
  await Promise.all([left.ended, struck.ended]);
  assert.deepEqual(killed.sort(), [...KILLED].sort());
  const [expected, got] = await Promise.all([outcomeOf(calm, left.id), outcomeOf(stormy, struck.id)]);
  assert.ok(Object.values(expected).every(({ length }) => length > 0));
  assert.deepEqual(differences(expected, got), []);
});

test('what was lost, doubled or changed is named', () => {
  const whole: Outcome = { votes: [{ slot: 1 }, { slot: 2 }], steps: [{ step: 1 }] };
  assert.deepEqual(differences(whole, structuredClone(whole)), []);
  assert.deepEqual(differences(whole, { ...whole, votes: [{ slot: 1 }] }), [
    'votes: 2 rows undisturbed, 1 here; row 1 is {"slot":2}, here nothing',
  ]);
  assert.deepEqual(differences(whole, { ...whole, steps: [{ step: 1 }, { step: 1 }] }), [
    'steps: 1 rows undisturbed, 2 here; row 1 is nothing, here {"step":1}',
  ]);
});

/** What follows from measurements: means, gains, the best step, the alarm. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewardWatch } from '../../src/training/validation/validation-alarm.ts';
import {
  bestStep,
  meanReward,
  rewardGains,
  type ValidationEntry,
  type ValidationImage,
  validationScalars,
} from '../../src/training/validation/validation-entry.ts';

/** A measurement with these rewards. */
const entry = (step: number, rewards: (number | null)[], loss: number | null = null): ValidationEntry => ({
  ...{ step, at: 1_700_000_000 + step, seconds: 1, loss },
  images: rewards.map((reward, i) => ({ id: `s${i}`, reward, metrics: {} })),
});

test('means are over the images that have a value, the reward first', () => {
  const images: ValidationImage[] = [
    { id: 'a', reward: 0.5, metrics: { dpg: 1, clip: 0.25 } },
    { id: 'b', reward: null, metrics: { dpg: 0 } },
    { id: 'c', reward: 1, metrics: { dpg: 0.5, 'image-reward': -2 } },
  ];
  assert.deepEqual(validationScalars({ ...entry(4, []), images }), [
    ['validation/reward', 0.75],
    ['validation/dpg', 0.5],
    ['validation/clip', 0.25],
    ['validation/image-reward', -2],
  ]);
  assert.ok(Number.isNaN(meanReward([images[1]!])));
});

test('a gain is of scenes that have a reward in both', () => {
  const gains = rewardGains(entry(0, [0.5, null, 0.25, 0.5]), entry(10, [1, 1, null, 0.25]));
  assert.deepEqual(gains, [0.5, -0.25]);
});

test('the best step gained most, the first of equals; the base is none, and what gained nothing known is none', () => {
  assert.equal(bestStep([]), null);
  assert.equal(bestStep([entry(0, [9, 9])]), null);
  assert.equal(bestStep([entry(0, [9, 9]), entry(5, [1, 1]), entry(10, [1, 2]), entry(15, [2, 1])]), 10);
  // A scene of low reward that could not be judged once must not make that step look better.
  assert.equal(bestStep([entry(0, [1, 0]), entry(5, [1.5, null]), entry(10, [1.75, 0.5])]), 10);
  assert.equal(bestStep([entry(0, [1]), entry(5, [null])]), null);
});

/** Steps and messages of the alarms of these rewards, whose losses are as given after step 0. */
function alarms(rewards: number[][], losses: number[]) {
  const watch = rewardWatch();
  return rewards.flatMap((values, i) => watch(entry(10 * i, values, i === 0 ? null : losses[i - 1]!)));
}
const BASE = [0.5, 0.6, 0.4, 0.7];
/** Paired differences to the base of mean -0.1 (or what is given) and standard error 0.01. */
const shifted = (mean: number) =>
  BASE.map((value, i) => value + mean + [0.017_32, -0.017_32, 0.017_32, -0.017_32][i]!);

test('a reward below the base beyond its 99% interval raises the alarm once until it clears', () => {
  // 2.576 standard errors are 0.0258.
  const low = [BASE, shifted(-0.025), shifted(-0.027), shifted(-0.1), shifted(0), shifted(-0.1)];
  const raised = alarms(low, [0.69, 0.6, 0.5, 0.5, 0.4]);
  assert.deepEqual(
    raised.map(({ step, kind }) => [step, kind]),
    [
      [20, 'reward-below-base'],
      [50, 'reward-below-base'],
    ],
  );
  assert.match(
    raised[0]!.message,
    /^the reward of validation images is below the base's by 0\.0270, though the training loss falls \(0\.690 to 0\.600\): .* best step, raise `beta`/,
  );
  assert.deepEqual(alarms([BASE, shifted(0.1), shifted(-0.02)], [0.69, 0.5]), []);
});

test('where the loss does not fall either, the learning rate is what to look at', () => {
  const [alarm] = alarms([BASE, shifted(-0.5)], [0.8]);
  assert.match(alarm!.message, /the training loss \(0\.800\) does not fall either\. Lower `learningRate`$/);
});

test('one scene, or none that was judged twice, tells nothing', () => {
  assert.deepEqual(alarms([[1], [0], [-5]], [0.6, 0.5]), []);
  const watch = rewardWatch();
  assert.deepEqual([...watch(entry(0, [1, 1])), ...watch(entry(5, [null, null], 0.6))], []);
});

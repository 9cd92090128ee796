/** What halves cost: states and targets out of a trajectory's code, against those of its float32 states. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alphaBarAt, gridStep, inversionTimesteps, parseSchedule } from '../../src/diffusion/schedule.ts';
import { floatToHalf, halfToFloat } from '../../src/engine/half.ts';
import { createRandom } from '../../src/random.ts';
import { decodeState, encodeTrajectory } from '../../src/training/trajectories/trajectory-code.ts';

/** Of a half, the largest relative error of rounding. */
const HALF_EPSILON = 2 ** -11;

const SIZE = 2000;
/** Stable Diffusion's. */
const schedule = parseSchedule({
  ...{ beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' },
  ...{ clip_sample: false, set_alpha_to_one: false, steps_offset: 1 },
});

/** A made-up inversion of `steps` steps: an 8-bit image, and noise that changes a little with every step, in float32. */
function inversionOf(steps: number) {
  const random = createRandom(steps);
  const normal = () => Float64Array.from({ length: SIZE }, () => random.normal());
  const grid = inversionTimesteps(schedule, steps);
  const levels = [grid[0]! - gridStep(schedule, steps), ...grid].map((t) => alphaBarAt(schedule, t));
  const states = [Float32Array.from({ length: SIZE }, () => random.int(256) / 127.5 - 1)];
  let noise = normal();
  let largest = 0;
  for (let s = 1; s < levels.length; s++) {
    const other = normal();
    noise = noise.map((value, i) => Math.cos(0.1) * value + Math.sin(0.1) * other[i]!);
    largest = noise.reduce((most, value) => Math.max(most, Math.abs(value)), largest);
    const a = Math.sqrt(levels[s]! / levels[s - 1]!);
    const b = Math.sqrt(1 - levels[s]!) - a * Math.sqrt(1 - levels[s - 1]!);
    states.push(states.at(-1)!.map((x, i) => a * x + b * noise[i]!));
  }
  return { levels, states, largest };
}

/** The noise of the DDIM step from level `t` to level `s`, as transitionNoise has it; here in float64. */
const target = (xt: ArrayLike<number>, xs: ArrayLike<number>, t: number, s: number) => {
  const a = Math.sqrt(s / t);
  const b = Math.sqrt(1 - s) - a * Math.sqrt(1 - t);
  return Array.from(xt, (x, i) => (xs[i]! - a * x) / b);
};
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
const decoded = (code: Uint16Array, levels: readonly number[]) =>
  levels.map((_, s) => decodeState(code.subarray(0, (s + 1) * SIZE), levels, s));
/** What is left of float32 in a target, whose states are subtracted and divided by little. */
const FLOAT32 = 2 ** -24;

for (const steps of [20, 80]) {
  const { levels, states, largest } = inversionOf(steps);
  const read = decoded(encodeTrajectory(states, levels), levels);

  test(`${steps} steps: states are within their bound`, () => {
    for (const [s, state] of read.entries()) {
      const [level, first] = [levels[s]!, levels[0]!];
      const bound = HALF_EPSILON * (Math.sqrt(level / first) + Math.sqrt(1 - level) * largest);
      assert.ok(furthest(state, states[s]!) <= bound + 8 * FLOAT32 * largest, `state ${s}`);
    }
    assert.deepEqual(
      read[0],
      states[0]!.map((x) => halfToFloat(floatToHalf(x))),
    );
  });

  for (const stride of [1, 4]) {
    test(`${steps} steps: targets of transitions of stride ${stride} are within 2^-11 of the largest noise`, () => {
      for (let t = stride + 1; t < levels.length; t++) {
        const s = t - stride;
        const of = (from: readonly Float32Array[]) => target(from[t]!, from[s]!, levels[t]!, levels[s]!);
        const b = Math.sqrt(1 - levels[s]!) - Math.sqrt((levels[s]! / levels[t]!) * (1 - levels[t]!));
        const float32 = (4 * FLOAT32 * largest) / Math.abs(b);
        assert.ok(furthest(of(read), of(states)) <= HALF_EPSILON * largest + float32, `from ${t} to ${s}`);
      }
    });
  }

  test(`${steps} steps: the noise down to the stored image is within 2^-11 of the largest noise`, () => {
    for (let t = 2; t < levels.length; t++) {
      const of = (from: readonly Float32Array[]) => target(from[t]!, from[0]!, levels[t]!, levels[0]!);
      // The stored image is rounded too, and its trajectory with it.
      const float32 = (8 * FLOAT32 * largest) / Math.sqrt(1 - levels[t]!);
      assert.ok(furthest(of(read), of(states)) <= HALF_EPSILON * largest + float32, `from ${t}`);
    }
  });
}

test('states as halves would put targets of stride 1 off by over ten times as much', () => {
  const { levels, states, largest } = inversionOf(80);
  const rounded = states.map((state) => state.map((x) => halfToFloat(floatToHalf(x))));
  const errors = levels.flatMap((level, t) => {
    if (t < 2) return [];
    const of = (from: readonly Float32Array[]) => target(from[t]!, from[t - 1]!, level, levels[t - 1]!);
    return [furthest(of(rounded), of(states))];
  });
  assert.ok(Math.max(...errors) > 10 * HALF_EPSILON * largest, `${Math.max(...errors)}`);
});

test('a part of the states has the same bounds: each noise is the mean over what lies between', () => {
  const { levels, states, largest } = inversionOf(80);
  const kept = [0, 7, 8, 30, 80];
  const keptLevels = kept.map((s) => levels[s]!);
  const read = decoded(
    encodeTrajectory(
      kept.map((s) => states[s]!),
      keptLevels,
    ),
    keptLevels,
  );
  for (const [place, s] of kept.entries()) {
    const bound = HALF_EPSILON * (Math.sqrt(levels[s]! / levels[0]!) + Math.sqrt(1 - levels[s]!) * largest);
    assert.ok(furthest(read[place]!, states[s]!) <= bound + 8 * FLOAT32 * largest, `state ${s}`);
  }
  const of = (eight: Float32Array, seven: Float32Array) => target(eight, seven, levels[8]!, levels[7]!);
  assert.ok(furthest(of(read[2]!, read[1]!), of(states[8]!, states[7]!)) <= 2 * HALF_EPSILON * largest);
});

test('a step between equal levels, as the release begins with, leaves the state where it is', () => {
  const state = Float32Array.from([0.5, -1, 0.25]);
  const code = encodeTrajectory([state, state], [0.99, 0.99]);
  assert.deepEqual([...code.subarray(3)], [0, 0, 0]);
  assert.deepEqual(decodeState(code, [0.99, 0.99], 1), state);
});

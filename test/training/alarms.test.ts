/** Alarms on made-up curves that go well or wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/random.ts';
import { type Alarm, alarmsOf, alarmWatch, type Watched } from '../../src/training/telemetry/alarms.ts';

type Curve = (step: number) => Partial<Watched>;

/** Steps of a run that goes well, but for what `curve` says of each; the same wavering every time. */
function run(steps: number, curve: Curve = () => ({})): Watched[] {
  const random = createRandom(7);
  return Array.from({ length: steps }, (_, i) => {
    const step = i + 1;
    const noise = random.normal();
    return {
      step,
      loss: 0.6 + 0.08 * noise,
      accuracy: Math.round(16 * (0.62 - 0.1 * noise)) / 16,
      winnerError: 0.001 + 0.001 * noise,
      loserError: 0.004 + 0.001 * noise,
      gradNorm: 2 + 0.5 * noise,
      ...curve(step),
    };
  });
}
const seen = (alarms: readonly Alarm[]) => alarms.map(({ step, kind }) => `${kind} ${step}`);
const seenOf = (steps: number, curve?: Curve) => seen(alarmsOf(run(steps, curve)));

test('a run that goes well raises nothing in 5000 steps', () => {
  assert.deepEqual(seenOf(5000), []);
});

test('a loss of ln 2 without gradient is told at the first step, with its reason, and once', () => {
  const saddle = { loss: Math.fround(Math.LN2), accuracy: 0.5, gradNorm: 0, winnerError: 0, loserError: 0 };
  const alarms = alarmsOf(run(300, () => saddle));
  assert.deepEqual(seen(alarms), ['no-gradient 1']);
  assert.match(alarms[0]!.message, /policy and reference are equal.*"shared-noise"/);
});

test('ln 2 with a gradient, as at every first step, and no gradient at another loss are no such alarm', () => {
  assert.deepEqual(
    seenOf(5, () => ({ loss: Math.fround(Math.LN2), accuracy: 0.5 })),
    [],
  );
  assert.deepEqual(
    seenOf(5, () => ({ gradNorm: 0 })),
    [],
  );
});

test('an alarm that cleared is told when it comes back', () => {
  const at = (step: number) => (step <= 10 || step > 20 ? { loss: Math.LN2, gradNorm: 0 } : {});
  assert.deepEqual(seenOf(25, at), ['no-gradient 1', 'no-gradient 21']);
});

test('errors of both sides that grow together are told once they pass 1e-2', () => {
  const alarms = alarmsOf(run(200, (step) => ({ winnerError: 2e-4 * step, loserError: 2.2e-4 * step })));
  assert.deepEqual(seen(alarms), ['both-sides-drift 60']);
  assert.match(alarms[0]!.message, /grow together \(0\.010 and 0\.011 over 20 steps\).*Lower `learningRate`/);
});

test('one side that grows alone, or both large and level, are no drift', () => {
  assert.deepEqual(
    seenOf(200, (step) => ({ loserError: 1e-3 * step })),
    [],
  );
  assert.deepEqual(
    seenOf(200, (step) => ({ winnerError: -1e-3 * step, loserError: 1e-3 * step })),
    [],
  );
  assert.deepEqual(
    seenOf(200, () => ({ winnerError: 0.02, loserError: 0.03 })),
    [],
  );
});

test('drift that fell below half its threshold and rises again is told again', () => {
  const wave = (step: number) => 0.015 - 0.015 * Math.cos((2 * Math.PI * step) / 200);
  assert.equal(seenOf(400, (step) => ({ winnerError: wave(step), loserError: wave(step) })).length, 2);
});

test('a spike of the loss is told at its step, every one of several', () => {
  const alarms = alarmsOf(run(300, (step) => (step === 100 || step === 250 ? { loss: 4 } : {})));
  assert.deepEqual(seen(alarms), ['loss-spike 100', 'loss-spike 250']);
  assert.match(alarms[0]!.message, /jumps to 4\.00 from about 0\.\d+/);
});

test('a loss that wavers widely, one that falls, and one that rises slowly have no spikes', () => {
  assert.deepEqual(
    seenOf(500, (step) => ({ loss: 0.7 + 0.6 * Math.sin(step * 2.399963) })),
    [],
  );
  assert.deepEqual(
    seenOf(500, (step) => ({ loss: 5 / step })),
    [],
  );
  assert.deepEqual(
    seenOf(500, (step) => ({ loss: 0.5 + 0.002 * step })),
    [],
  );
});

test('a jump that stays is one alarm, not one a step', () => {
  assert.deepEqual(
    seenOf(500, (step) => ({ loss: step < 200 ? 0.6 : 6 })),
    ['loss-spike 200'],
  );
});

test('accuracy at chance over 100 steps is told', () => {
  const random = createRandom(3);
  const coin = () => {
    let right = 0;
    for (let pair = 0; pair < 16; pair++) right += random.int(2);
    return { accuracy: right / 16 };
  };
  const alarms = alarmsOf(run(1000, coin));
  assert.ok(alarms.length >= 1);
  assert.ok(alarms.every(({ kind, step }) => kind === 'accuracy-stuck' && step >= 100));
  assert.match(alarms[0]!.message, /accuracy is 0\.(49|50|51)\d over 100 steps/);
});

test('fewer than 100 steps at 0.5 say nothing yet, and neither does an accuracy well off it', () => {
  assert.deepEqual(
    seenOf(99, () => ({ accuracy: 0.5 })),
    [],
  );
  assert.deepEqual(
    seenOf(100, () => ({ accuracy: 0.5 })),
    ['accuracy-stuck 100'],
  );
  for (const accuracy of [0.4, 0.55, 1])
    assert.deepEqual(
      seenOf(400, () => ({ accuracy })),
      [],
    );
});

test('step by step or all at once, the alarms are the same', () => {
  const entries = run(300, (step) => ({ winnerError: 2e-4 * step, loserError: 2e-4 * step }));
  const watch = alarmWatch();
  const told: Alarm[] = [];
  for (const entry of entries) told.push(...watch(entry));
  assert.deepEqual(told, alarmsOf(entries));
  assert.equal(told.length, 1);
});

test('a training on images of its own raises none: what is looked for is of pairs', () => {
  const evaluations = { policyEvaluations: 1, referenceEvaluations: 1 };
  const update = { loss: Math.fround(Math.LN2), gradNorm: 0, updateNorm: 0, ...evaluations };
  const loop = { at: 0, learningRate: 1, seconds: 1, tensors: 1 };
  const entries = Array.from({ length: 200 }, (_, i) => ({
    ...{ step: i + 1, ...loop, ...update, reward: 0, clipped: 1, accuracy: 0.5 },
  }));
  assert.deepEqual(alarmsOf(entries), []);
});

test('spikes are told where the rule says so, at whatever step and however the losses lie', () => {
  const median = (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b);
    return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
  };
  for (let seed = 0; seed < 20; seed++) {
    const random = createRandom(seed);
    const entries = run(400, () => ({ loss: 0.1 * Math.exp((0.3 + 0.05 * seed) * random.normal()) }));
    let on = false;
    const expected = entries.flatMap(({ step, loss }, i) => {
      const before = entries.slice(Math.max(0, i - 99), i).map((entry) => entry.loss);
      const middle = median(before);
      const level = Math.max(2 * middle, middle + 8 * median(before.map((x) => Math.abs(x - middle))));
      const raised = !on && before.length >= 20 && loss > level;
      on = on ? loss > level : raised;
      return raised ? [step] : [];
    });
    const told = alarmsOf(entries).filter(({ kind }) => kind === 'loss-spike');
    assert.deepEqual(
      told.map(({ step }) => step),
      expected,
    );
    if (seed > 10) assert.ok(expected.length > 0);
  }
});

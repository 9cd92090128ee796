import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReward, DEFAULT_REWARD, type MetricValues } from '../../src/scoring/reward.ts';

const set: MetricValues[] = [
  { dpg: 0.25, pickscore: 0.21, other: 5 },
  { dpg: 0.75, pickscore: 0.22, other: 5 },
  { dpg: 1, pickscore: 0.2, other: 5 },
  { dpg: 0.5, pickscore: 0.23, other: 5 },
];
const close = (got: readonly (number | null)[], want: readonly number[]) => {
  assert.equal(got.length, want.length);
  for (const [i, value] of got.entries())
    assert.ok(value !== null && Math.abs(value - want[i]!) < 1e-9, `${got}, expected ${want}`);
};
const rewards = async (policy: 'mean' | 'zmean' | 'dominance', weights: Record<string, number>) =>
  set.map(await createReward({ policy, weights }, set));

test('mean is the weighted mean of raw values; dominance has the same number', async () => {
  for (const policy of ['mean', 'dominance'] as const) {
    close(await rewards(policy, { dpg: 1, pickscore: 1 }), [0.23, 0.485, 0.6, 0.365]);
    close(await rewards(policy, { dpg: 3, pickscore: 1 }), [0.24, 0.6175, 0.8, 0.4325]);
    close(await rewards(policy, { dpg: 2, pickscore: 0 }), [0.25, 0.75, 1, 0.5]);
  }
});

test('zmean gives a metric of small spread its full vote', async () => {
  // dpg: mean 0.625, variance 0.3125/4; pickscore: mean 0.215, variance 0.0005/4. In deviations of either
  // kind both are -3, 1, 3, -1 and -1, 1, -3, 3 over the root of 5.
  const z = (a: number, b: number, weight = 1) => (weight * a + b) / Math.sqrt(5) / (weight + 1);
  close(await rewards('zmean', { dpg: 1, pickscore: 1 }), [z(-3, -1), z(1, 1), z(3, -3), z(-1, 3)]);
  close(await rewards('zmean', { dpg: 4, pickscore: 1 }), [
    z(-3, -1, 4),
    z(1, 1, 4),
    z(3, -3, 4),
    z(-1, 3, 4),
  ]);
});

test('a metric that is the same everywhere adds nothing to zmean', async () => {
  const alone = await rewards('zmean', { dpg: 1 });
  close(
    await rewards('zmean', { dpg: 1, other: 1 }),
    alone.map((value) => value! / 2),
  );
});

test('z-scores are those of the set, read once, also from a stream', async () => {
  let readings = 0;
  async function* stream() {
    readings++;
    yield* set;
  }
  const reward = await createReward({ policy: 'zmean', weights: { dpg: 1 } }, stream());
  close([reward({ dpg: 0.625 }), reward({ dpg: 0.625 + Math.sqrt(0.3125 / 4) })], [0, 1]);
  assert.equal(readings, 1);
  await createReward({ policy: 'mean', weights: { dpg: 1 } }, stream());
  assert.equal(readings, 1, 'the mean has no need of the set');
});

test('the spread is exact where values are large and close', async () => {
  const large = [1e9 + 1, 1e9 + 2, 1e9 + 3].map((x) => ({ x }));
  const reward = await createReward({ policy: 'zmean', weights: { x: 1 } }, large);
  close(large.map(reward), [-Math.sqrt(1.5), 0, Math.sqrt(1.5)]);
});

test('a candidate that lacks a metric with a say has no reward, and no say in the z-scores', async () => {
  const mean = await createReward({ policy: 'mean', weights: { dpg: 1, blip: 1 } }, set);
  assert.equal(mean(set[0]!), null);
  close([mean({ dpg: 0.5, blip: 1 })], [0.75]);
  // A weight of nothing needs no metric.
  close(await rewards('mean', { dpg: 1, blip: 0 }), [0.25, 0.75, 1, 0.5]);
  const settings = { policy: 'zmean', weights: { dpg: 1 } } as const;
  const spread = await createReward(settings, [...set, { pickscore: 0.2 }]);
  assert.equal(spread({ pickscore: 0.2 }), null);
  close(set.map(spread), (await rewards('zmean', { dpg: 1 })) as number[]);
});

test('weights without a positive sum are refused', async () => {
  const unusable: Record<string, number>[] = [
    {},
    { dpg: 0 },
    { dpg: 1, pickscore: -1 },
    { dpg: -1 },
    { dpg: Number.NaN },
  ];
  for (const weights of unusable) {
    await assert.rejects(createReward({ policy: 'mean', weights }, set), {
      code: 'DIPTYCH_INVALID_INPUT',
      message: /their sum must be above 0/,
    });
  }
});

test("the default is the paper's: DPG-Bench and 3-in-1, equally", async () => {
  const reward = await createReward(DEFAULT_REWARD, []);
  close([reward({ dpg: 0.5, 't2i-3in1': 1, pickscore: 9 })], [0.75]);
});

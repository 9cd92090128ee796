import assert from 'node:assert/strict';
import { test } from 'node:test';
import { featureStatistics, frechetDistance } from '../../src/evaluation/frechet.ts';
import { jackknifeInterval } from '../../src/evaluation/jackknife.ts';
import { createRandom } from '../../src/random.ts';

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

test("of a mean of ten values it is Student's interval", async () => {
  const values = new Map([3, 1, 4, 1.5, 9, 2, 6, 5, 3.5, 8].map((x, i) => [`annotation ${i}`, x]));
  const all = [...values.values()];
  const interval = await jackknifeInterval(values.keys(), mean(all), async (kept) =>
    mean([...values].flatMap(([annotation, x]) => (kept(annotation) ? [x] : []))),
  );
  const variance = all.reduce((sum, x) => sum + (x - mean(all)) ** 2, 0) / 9;
  const half = 2.262157 * Math.sqrt(variance / 10);
  for (const [i, want] of [mean(all) - half, mean(all) + half].entries()) {
    assert.ok(Math.abs(interval![i]! - want) < 1e-9, `${interval} against ${want}`);
  }
});

test('all images of an annotation are left out together, every annotation once', async () => {
  const annotations = Array.from({ length: 36 }, (_, i) => `a${Math.floor(i / 3)}`);
  const left: string[] = [];
  await jackknifeInterval(annotations, 0, async (kept) => {
    left.push(...new Set(annotations.filter((annotation) => !kept(annotation))));
    return 0;
  });
  assert.deepEqual(left.sort(), [...new Set(annotations)].sort());
});

test('nine annotations are too few', async () => {
  const nine = Array.from({ length: 9 }, (_, i) => `${i}`);
  assert.equal(await jackknifeInterval(nine, 0, async () => 0), null);
});

test('of a difference of Frechet distances it holds what many repetitions come to, about 19 times in 20', async () => {
  const [values, count, repetitions] = [6, 60, 120];
  const random = createRandom(11);
  const draw = (shift: number, spread: number, noise: readonly number[][]) =>
    noise.map((row) => row.map((x) => shift + spread * x));
  const noise = () =>
    Array.from({ length: count }, () => Array.from({ length: values }, () => random.normal()));
  const real = featureStatistics(draw(0, 1, [...noise(), ...noise(), ...noise()]));
  const further = (side: readonly number[][]) => frechetDistance(featureStatistics(side), real);
  const names = Array.from({ length: count }, (_, i) => `${i}`);
  const trials: { difference: number; interval: [number, number] }[] = [];
  for (let r = 0; r < repetitions; r++) {
    // The two models are drawn with equal noise, as in an evaluation.
    const shared = noise();
    const [base, tuned] = [draw(0.5, 1.3, shared), draw(0.3, 1.2, shared)];
    const difference = further(tuned) - further(base);
    const rest = (side: readonly number[][], kept: (name: string) => boolean) =>
      further(side.filter((_, i) => kept(names[i]!)));
    const interval = await jackknifeInterval(
      names,
      difference,
      async (kept) => rest(tuned, kept) - rest(base, kept),
    );
    trials.push({ difference, interval: interval! });
  }
  const expected = mean(trials.map(({ difference }) => difference));
  const held = trials.filter(({ interval: [low, high] }) => low <= expected && expected <= high).length;
  // Of 120 trials at 95% fewer than 105 or more than 119 come up less than once in a hundred.
  assert.ok(held >= 105 && held <= 119, `${held} of ${repetitions}`);
});

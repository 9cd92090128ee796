import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEngine } from '../../src/engine/engine.ts';
import { checkTrainSettings } from '../../src/training/check-settings.ts';
import { DEFAULT_TRAIN } from '../../src/training/settings.ts';
import { trainPairs } from '../../src/training/train.ts';
import { withoutBfloat16 } from '../bfloat16.ts';
import { temporaryFolder } from '../temporary.ts';
import { telemetryOf, tinyModel, tinyPairs, tinyRun } from './tiny.ts';

const skip = await withoutBfloat16();
const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

test('in bfloat16 a training takes the steps of float32, nearly, and learns as much', { skip }, async (t) => {
  const engine = await openEngine({ prefer: 'native' });
  const model = await tinyModel(engine, await temporaryFolder(t));
  const settings = { steps: 40, learningRate: 3e-3, beta: 50, pairsPerStep: 4 };
  const trained = async (precision: 'float32' | 'bfloat16') => {
    const folder = await temporaryFolder(t);
    const run = tinyRun(engine, model, folder, { ...settings, precision });
    await trainPairs({ ...run, pairs: tinyPairs(1) });
    return telemetryOf(folder);
  };
  const [float32, bfloat16] = [await trained('float32'), await trained('bfloat16')];
  // The first step is of equal policy and reference, the second of a gradient that 8 binary digits were kept of.
  const [want, got] = [float32[0]!.gradNorm, bfloat16[0]!.gradNorm];
  assert.ok(want !== got && Math.abs(got / want - 1) < 0.02, `gradient ${got} against ${want}`);
  for (const telemetry of [float32, bfloat16]) {
    const accuracy = mean(telemetry.slice(-10).map(({ accuracy }) => accuracy));
    assert.ok(accuracy > 0.9, `accuracy ${accuracy}`);
  }
  const margin = (of: typeof float32) => mean(of.slice(-10).map(({ margin }) => margin));
  assert.ok(
    Math.abs(margin(bfloat16) / margin(float32) - 1) < 0.1,
    `${margin(bfloat16)}, ${margin(float32)}`,
  );
});

test('objectives that go by ratios of densities refuse it', () => {
  assert.throws(() => checkTrainSettings({ ...DEFAULT_TRAIN, objective: 'ddpo', precision: 'bfloat16' }), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: /train.precision is "bfloat16", but train.objective is "ddpo"/,
  });
});

/** One training step of the sample model: traced, in chains too, operation by operation, and on the plain kernels. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { type Engine, type EngineOptions, nativeProblem, openEngine } from '../../src/engine/engine.ts';
import { loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../../src/models/inputs/text-condition.ts';
import { createRandom } from '../../src/random.ts';
import { isTargetless } from '../../src/training/objectives/inversion-dpo.ts';
import { preferenceStep } from '../../src/training/pairs/step.ts';
import { disposeRows, type StepRows } from '../../src/training/pairs/step-rows.ts';
import { createPolicy } from '../../src/training/policy.ts';
import { DEFAULT_TRAIN, objectiveSettings, type PairTrainSettings } from '../../src/training/settings.ts';

const problem = nativeProblem();
const skip = problem === null ? false : `native engine: ${problem}`;
const MODEL = path.resolve(import.meta.dirname, '../../models/sample/diffusion');

/** A step from weights `beside` those of the reference; its outcome, and the gradient as AdamW's first moment has it. */
async function stepOn(engine: Engine, settings: PairTrainSettings, beside = 0.005) {
  const { tf } = engine;
  const model = await loadDiffusionModel(engine, MODEL);
  const { config, weights: reference } = model.unet;
  const noise = (first: number) =>
    seededNoise(tf, [first, first + 1], [config.sampleSize, config.sampleSize, config.inChannels]);
  const targeted = settings.objective !== 'inversion-dpo' || !isTargetless(settings.form);
  const rows: StepRows = {
    ...{ winner: noise(1), loser: noise(3) },
    ...{ winnerTarget: targeted ? noise(5) : null, loserTarget: targeted ? noise(7) : null },
    ...{ timesteps: [301, 702], levels: [], weights: [1, 0.5], ascents: null },
  };
  const condition = encodePrompts(engine, model, ['small red circle', 'blue square'].map(textPrompt));
  const empty = encodeEmpty(engine, model);
  const factors = [1, 1.5].map((weight) => ({ weight, probability: 0.8 }));

  const fresh = createPolicy(engine, model, settings, null);
  const state = fresh.state();
  fresh.dispose();
  const random = createRandom(1);
  const parameters = state.parameters.map((x) => x + beside * random.normal());
  const policy = createPolicy(engine, model, settings, { ...state, parameters });
  const step = preferenceStep(engine, { config, policy, reference }, settings);
  const outcome = step([{ rows, condition, empty, factors }], 1e-4);
  const { m } = policy.state();
  policy.dispose();
  model.dispose();
  disposeRows(rows);
  for (const each of [condition, empty]) disposeCondition(each);
  return { outcome, moment: m };
}

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

const CASES: [string, Partial<PairTrainSettings>][] = [
  ['diffusion-dpo', { objective: 'diffusion-dpo' }],
  ['inversion-dpo at guidance 2', { objective: 'inversion-dpo', guidance: 2 }],
  ['kto on a LoRA', { objective: 'kto', lora: { rank: 4, convolutions: true } }],
  ['dspo with frozen parts', { objective: 'dspo', freeze: ['up_blocks.*'], beta: 0.1 }],
];

for (const [name, choice] of CASES) {
  test(`${name}: traced, in chains, eager and plain steps agree (1e-5)`, { skip }, async () => {
    const settings = { ...DEFAULT_TRAIN, beta: 10, guidance: 1, ...choice };
    const by = async (options: EngineOptions, chains = 1) =>
      stepOn({ ...(await openEngine({ prefer: 'native', ...options })), chains }, settings);
    const traced = await by({});
    for (const other of [await by({}, 2), await by({ trace: false }), await by({ fast: false })]) {
      const [got, want] = [traced.moment, other.moment];
      const apart = norm(got.map((x, i) => x - want[i]!)) / norm(want);
      assert.ok(apart <= 1e-5, `gradients ${apart} apart`);
      for (const field of ['loss', 'winnerPolicyError', 'loserPolicyError', 'gradNorm'] as const) {
        const [x, y] = [traced.outcome[field], other.outcome[field]];
        assert.ok(Math.abs(x - y) <= 1e-5 * Math.abs(y), `${field}: ${x} against ${y}`);
      }
    }
  });
}

for (const chains of [1, 2]) {
  test(`the published form at policy = reference, chains ${chains}: ln 2, and a gradient of exactly zero`, {
    skip,
  }, async () => {
    const kind = { objective: 'inversion-dpo', form: 'published' } as const;
    const settings: PairTrainSettings = { ...DEFAULT_TRAIN, ...kind, ...objectiveSettings(kind) };
    const engine = { ...(await openEngine({ prefer: 'native' })), chains };
    const { outcome, moment } = await stepOn(engine, settings, 0);
    assert.ok(Math.abs(outcome.loss - 1.25 * Math.LN2) < 1e-6, `${outcome.loss}`);
    assert.deepEqual([outcome.gradNorm, outcome.winnerError, outcome.loserError], [0, 0, 0]);
    assert.ok(moment.every((m) => m === 0));
  });
}

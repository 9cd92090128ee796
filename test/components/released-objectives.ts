/** InPO, SmPO and KTO as their releases' own lines computed them: plan, inversion, noise, label, loss, gradients. */
import { seededNoise } from '../../src/diffusion/noise.ts';
import { alphaBarAt, parseSchedule } from '../../src/diffusion/schedule.ts';
import type { Tensor } from '../../src/engine/engine.ts';
import { disposeWeights, type Weights } from '../../src/engine/weights.ts';
import { repeated } from '../../src/models/inputs/text-condition.ts';
import { unetForward } from '../../src/models/unet/unet.ts';
import { createRandom, hashSeed } from '../../src/random.ts';
import { stateFromNoise } from '../../src/training/objectives/inversion-dpo.ts';
import { softLabels } from '../../src/training/objectives/smpo.ts';
import { lossWeights, preferenceLoss } from '../../src/training/pairs/loss.ts';
import { planRows, type RowPlan } from '../../src/training/pairs/rows.ts';
import { selfInverted } from '../../src/training/pairs/self-inversion.ts';
import type { PairTrainSettings } from '../../src/training/settings.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { checkGradients } from './gradients.ts';
import { loadModels } from './objectives-setting.ts';
import { device, engine, fromNhwc, toNhwc } from './tensors.ts';

const { tf } = engine;
const PAIRS = 2;
/** Of a row's random noise; the winners' rows are the first. */
const SEEDS = [1, 2, 3, 4];

async function releasedObjectives(golden: GoldenCase): Promise<void> {
  const { input, json } = golden;
  const { config, specs, policy, reference } = await loadModels(golden);
  const schedule = parseSchedule(json.scheduler);
  const images = tf.concat([toNhwc(input.latents_w!), toNhwc(input.latents_l!)]) as Tensor;
  const prompt = repeated(tf, { states: device(input.cond!) }, 2);
  const noiseOf = (weights: Weights, x: Tensor, timesteps: number[]) =>
    unetForward(engine, config, weights, x, tf.tensor1d(timesteps), prompt);

  for (const [step, noise] of (tf.unstack(device(input.noise!)) as Tensor[]).entries()) {
    const seeds = SEEDS.map((seed) => hashSeed(seed, step));
    golden.exact(
      `noise of step ${step}`,
      [...fromNhwc(seededNoise(tf, seeds, images.shape.slice(1)))],
      [...noise.dataSync()],
    );
  }

  const { winner, loser, least, greatest } = json.rewards as Record<string, number>;
  const [probability] = softLabels([
    { winnerReward: winner!, loserReward: loser! },
    { winnerReward: greatest!, loserReward: least! },
  ]);
  golden.check('probability', [probability!]);

  function checkLoss(
    name: string,
    settings: Pick<PairTrainSettings, 'objective' | 'beta'>,
    rows: { states: Tensor; timesteps: number[]; targets: Tensor },
  ): void {
    const halves = (x: Tensor) => tf.split(x, 2) as [Tensor, Tensor];
    const [expected, targets] = [noiseOf(reference, rows.states, rows.timesteps), rows.targets].map(halves);
    const factors = Array.from({ length: PAIRS }, () => ({ weight: 1, probability: probability! }));
    const names = Object.keys(policy);
    let inside!: Tensor;
    const { value, grads } = tf.valueAndGrads((...parts: Tensor[]) => {
      const weights = Object.fromEntries(names.map((key, i) => [key, parts[i]!]));
      const predicted = halves(noiseOf(weights, rows.states, rows.timesteps));
      const sides = [0, 1].map((i) => ({
        policy: predicted[i]!,
        reference: expected![i]!,
        target: targets![i]!,
      }));
      const result = preferenceLoss(
        tf,
        { ...settings, form: 'shared-noise' },
        lossWeights(tf, Array<number>(PAIRS).fill(1), factors),
        sides[0]!,
        sides[1]!,
      );
      inside = tf.keep(result.inside);
      return result.loss as never;
    })(names.map((key) => policy[key]!));
    golden.check(`${name}.loss`, (value as Tensor).dataSync());
    if (`${name}.inside` in golden.output) golden.check(`${name}.inside`, inside.dataSync());
    const named = Object.fromEntries(names.map((key, i) => [key, grads[i]!]));
    checkGradients(golden, name, named, specs);
    inside.dispose();
  }

  for (const [name, { objective, grid, t }] of Object.entries(json.runs as Record<string, Run>)) {
    const settings = { objective, beta: json.beta as number, inversionSteps: grid };
    tf.tidy(() => {
      const { ascent, level } = planAt(settings, schedule, t);
      const rows = selfInverted(
        tf,
        (x, label) => noiseOf(policy, x, Array<number>(SEEDS.length).fill(label)),
        images,
        SEEDS.map((seed) => ({ ...ascent!, seed })),
        Array<number>(SEEDS.length).fill(level),
      );
      golden.check(`${name}.states`, fromNhwc(rows.states));
      golden.check(`${name}.noise`, fromNhwc(rows.targets));
      checkLoss(name, settings, { ...rows, timesteps: Array<number>(SEEDS.length).fill(t) });
    });
  }

  const { beta, timesteps } = json.kto as { beta: number; timesteps: number[] };
  const [noise] = tf.unstack(device(input.noise!).transpose([0, 1, 3, 4, 2])) as [Tensor];
  const levels = timesteps.map((t) => alphaBarAt(schedule, t));
  tf.tidy(() => {
    const states = stateFromNoise(tf, images, noise, levels);
    checkLoss('kto', { objective: 'kto', beta }, { states, timesteps, targets: noise });
  });
  for (const weights of [policy, reference]) disposeWeights(weights);
}

interface Run {
  objective: 'inpo' | 'smpo';
  grid: number;
  t: number;
}

/** What a step that draws t does. */
function planAt(
  settings: Pick<PairTrainSettings, 'objective' | 'inversionSteps'>,
  schedule: ReturnType<typeof parseSchedule>,
  t: number,
): RowPlan {
  for (let seed = 0; ; seed++) {
    const [plan] = planRows(settings as PairTrainSettings, schedule, createRandom(seed));
    if (plan!.t === t) return plan!;
  }
}

export const components: Record<string, ComponentCheck> = { 'objectives as released': releasedObjectives };

/** What the recorded objectives share: two models, the rows of every kind of loss, values and gradients. */
import path from 'node:path';
import { alphaBarAt, inversionTimesteps, parseSchedule } from '../../src/diffusion/schedule.ts';
import type { Tensor } from '../../src/engine/engine.ts';
import type { HostTensor } from '../../src/engine/safetensors.ts';
import { disposeWeights, loadWeights, type Weights } from '../../src/engine/weights.ts';
import { repeated } from '../../src/models/inputs/text-condition.ts';
import { type TextCondition, unetForward } from '../../src/models/unet/unet.ts';
import { parseUNetConfig } from '../../src/models/unet/unet-config.ts';
import { unetParameters } from '../../src/models/unet/unet-parameters.ts';
import { diffusionDpoLoss } from '../../src/training/objectives/diffusion-dpo.ts';
import { dspoLoss } from '../../src/training/objectives/dspo.ts';
import {
  publishedLoss,
  stateFromNoise,
  timestepWeight,
  transitionNoise,
} from '../../src/training/objectives/inversion-dpo.ts';
import { ktoLoss } from '../../src/training/objectives/kto.ts';
import { mapoLoss } from '../../src/training/objectives/mapo.ts';
import type { PairLoss } from '../../src/training/objectives/pair-loss.ts';
import { sftLoss } from '../../src/training/objectives/sft.ts';
import type { GoldenCase } from '../golden.ts';
import { device, engine, readJson, toNhwc } from './tensors.ts';

const { tf } = engine;
const PAIRS = 2;

export interface RecordedLoss {
  kind: 'published' | 'exact' | 'transition' | 'dpo' | 'sft' | 'mapo' | 'dspo' | 'kto';
  weight?: string;
  /** Of every kind but sft. */
  beta: number;
  sign?: 1 | -1;
  scale?: number;
  stride?: number;
  snr?: number;
}

/** States and targets of either side; kto has one side of wanted and unwanted images. */
interface Rows {
  states: Tensor[];
  timesteps: number[];
  /** Null in the published kind. */
  targets: Tensor[] | null;
}

interface LossValue {
  loss: Tensor;
  inside?: Tensor;
}

const scalar = ({ losses, inside }: PairLoss): LossValue => ({ loss: losses.mean(), inside });
const join = (parts: Tensor[]) => tf.concat(parts, 0) as Tensor;
const perPair = (timesteps: number[]) => timesteps.flatMap((t) => Array<number>(PAIRS).fill(t));
/** [N, B, C, H, W] to a list of N tensors [B, H, W, C]. */
const unstacked = (t: HostTensor): Tensor[] => tf.unstack(device(t).transpose([0, 1, 3, 4, 2]));

export const recordedLosses = (golden: GoldenCase): [name: string, loss: RecordedLoss][] =>
  Object.entries(golden.json.losses as Record<string, RecordedLoss>);

/** The two UNets of a recorded objective; the caller disposes their weights. */
export async function loadModels({ folder, json }: GoldenCase) {
  const load = (model: string) =>
    loadWeights(engine, path.resolve(folder, model, 'diffusion_pytorch_model.safetensors'), specs);
  const config = parseUNetConfig(readJson(folder, json.reference_model, 'config.json'));
  const specs = unetParameters(config);
  return {
    config,
    specs,
    reference: await load(json.reference_model),
    policy: await load(json.policy_model),
  };
}

export async function openObjectives(golden: GoldenCase) {
  const { input, json } = golden;
  const { config, specs, reference, policy } = await loadModels(golden);
  const schedule = parseSchedule(json.scheduler);
  const steps = json.steps as number;
  const grid = inversionTimesteps(schedule, steps);
  const [prompt, empty] = [input.cond!, input.uncond!].map((states) => ({ states: device(states) })) as [
    TextCondition,
    TextCondition,
  ];
  const levelsOf = (timesteps: number[]) => timesteps.map((t) => alphaBarAt(schedule, t));

  /** Guided noise of a model for K * PAIRS rows, with a timestep per row. */
  function noiseOf(weights: Weights, x: Tensor, timesteps: number[], scale: number): Tensor {
    const model = (condition: TextCondition) => {
      const rows = repeated(tf, condition, x.shape[0]! / condition.states.shape[0]!);
      return unetForward(engine, config, weights, x, tf.tensor1d(timesteps), rows);
    };
    const conditional = model(prompt);
    if (scale === 1) return conditional;
    const without = model(empty);
    return without.add(conditional.sub(without).mul(scale));
  }

  /** The rows that the recorded formulas ask for; of inversions, out of the recorded trajectories. */
  function rowsOf(loss: RecordedLoss): Rows {
    const [winners, losers] = ['latents_w', 'latents_l'].map((name) => toNhwc(input[name]!)) as [
      Tensor,
      Tensor,
    ];
    const noised = (images: Tensor[], draw: string): Rows => {
      const [timesteps, noise] = [[...input[`${draw}.t`]!.data], toNhwc(input[`${draw}.eps`]!)];
      const states = images.map((x0) => stateFromNoise(tf, x0, noise, levelsOf(timesteps)));
      return { states, timesteps, targets: images.map(() => noise) };
    };
    if (loss.kind === 'kto') return noised([join([winners, losers])], 'kto');
    if (loss.kind === 'sft') return noised([winners], 'dpo');
    if (loss.kind === 'dpo' || loss.kind === 'mapo' || loss.kind === 'dspo')
      return noised([winners, losers], 'dpo');

    const recorded = (what: string) =>
      ['w', 'l'].map((side) => unstacked(golden.output[`traj_${side}.s${loss.scale}.${what}`]!));
    const sides = recorded('states');
    if (loss.kind === 'published') {
      const states = sides.map((side) => join(side.slice(0, steps)));
      return { states, timesteps: perPair(grid), targets: null };
    }
    if (loss.kind === 'exact') {
      const states = sides.map((side) => join(side.slice(1)));
      return { states, timesteps: perPair(grid), targets: recorded('eps').map(join) };
    }
    const k = loss.stride!;
    const timesteps = perPair(grid.slice(k));
    const [from, to] = [levelsOf(timesteps), levelsOf(perPair(grid.slice(0, steps - k)))];
    const states = sides.map((side) => join(side.slice(k + 1)));
    const targets = sides.map((side, i) =>
      transitionNoise(tf, states[i]!, join(side.slice(1, steps + 1 - k)), from, to),
    );
    return { states, timesteps, targets };
  }

  function lossOf(loss: RecordedLoss, { states, timesteps, targets }: Rows, weights: Weights): LossValue {
    const { kind, beta, scale = 1 } = loss;
    const sides = states.map((x, i) => ({
      policy: noiseOf(weights, x, timesteps, scale),
      reference: noiseOf(reference, x, timesteps, scale),
      target: targets?.[i] as Tensor,
    }));
    const [winner, loser] = sides as [(typeof sides)[0], (typeof sides)[0]];
    if (kind === 'published') {
      const kind = loss.weight === '1' ? 'none' : 'one-over-2-alpha-bar';
      // Neither weight asks where a step comes from.
      const weights = tf.tensor1d(levelsOf(timesteps).map((level) => timestepWeight(kind, level, 1)));
      return scalar(publishedLoss(winner, loser, { beta, pairs: PAIRS, sign: loss.sign!, weights }));
    }
    if (kind === 'sft') return { loss: sftLoss(winner).mean() };
    if (kind === 'mapo') return scalar(mapoLoss(winner, loser, { beta, snr: loss.snr! }));
    if (kind === 'dspo') return scalar(dspoLoss(winner, loser, { beta }));
    if (kind === 'kto') {
      const wanted = Array.from(input['kto.labels']!.data, (label) => label === 1);
      return { loss: ktoLoss(tf, winner, wanted, { beta }).mean() };
    }
    return scalar(diffusionDpoLoss(winner, loser, { beta, pairs: PAIRS }));
  }

  /** A loss at some weights, and its gradients by name. */
  function differentiated(loss: RecordedLoss, weights: Weights): LossValue & { grads: Weights } {
    const rows = rowsOf(loss);
    const names = Object.keys(weights);
    let inside: Tensor | undefined;
    const f = (...parts: Tensor[]) => {
      const result = lossOf(loss, rows, Object.fromEntries(names.map((n, i) => [n, parts[i]!])));
      inside = result.inside && tf.keep(result.inside);
      return result.loss as never;
    };
    // Copies: where the policy is the reference, only the policy is differentiated.
    const { value, grads } = tf.valueAndGrads(f)(names.map((n) => weights[n]!.clone()));
    return { loss: value, inside, grads: Object.fromEntries(names.map((n, i) => [n, grads[i]!])) };
  }

  return {
    ...{ config, specs, reference, policy, schedule, steps, prompt, empty, differentiated },
    dispose: () => [reference, policy].forEach(disposeWeights),
  };
}

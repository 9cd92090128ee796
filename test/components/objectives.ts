/** Preference losses on recorded trajectories: value, argument of the sigmoid, gradients; and the trajectories. */
import path from 'node:path';
import { disposeTrajectory, invert } from '../../src/diffusion/invert.ts';
import { guidedPredictor } from '../../src/diffusion/predictor.ts';
import { alphaBarAt, inversionTimesteps, parseSchedule } from '../../src/diffusion/schedule.ts';
import type { Tensor } from '../../src/engine/engine.ts';
import type { HostTensor } from '../../src/engine/safetensors.ts';
import { disposeWeights, loadWeights, type Weights } from '../../src/engine/weights.ts';
import { repeated } from '../../src/models/text-condition.ts';
import { unetForward } from '../../src/models/unet.ts';
import { parseUNetConfig } from '../../src/models/unet-config.ts';
import { unetParameters } from '../../src/models/unet-parameters.ts';
import { diffusionDpoLoss } from '../../src/training/objectives/diffusion-dpo.ts';
import {
  publishedLoss,
  publishedWeights,
  stateFromNoise,
  transitionNoise,
} from '../../src/training/objectives/inversion-dpo.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { device, engine, inTorchLayout, readJson, toNhwc } from './tensors.ts';

const { tf } = engine;
const PAIRS = 2;

interface PairLoss {
  kind: 'published' | 'exact' | 'transition' | 'dpo';
  weight?: string;
  beta: number;
  sign?: 1 | -1;
  scale?: number;
  stride?: number;
}

interface Rows {
  winner: Tensor;
  loser: Tensor;
  timesteps: number[];
  targets: [Tensor, Tensor] | null;
}

const join = (parts: Tensor[]) => tf.concat(parts, 0) as Tensor;
const perPair = (timesteps: number[]) => timesteps.flatMap((t) => Array<number>(PAIRS).fill(t));
/** [N, B, C, H, W] to a list of N tensors [B, H, W, C]. */
const unstacked = (t: HostTensor): Tensor[] => tf.unstack(device(t).transpose([0, 1, 3, 4, 2]));

/** The case's two models and everything that its losses share. */
export async function openObjectives(golden: GoldenCase) {
  const { input, json } = golden;
  const referenceFolder = path.resolve(golden.folder, json.reference_model);
  const config = parseUNetConfig(readJson(referenceFolder, 'config.json'));
  const specs = unetParameters(config);
  const load = (folder: string) =>
    loadWeights(engine, path.join(folder, 'diffusion_pytorch_model.safetensors'), specs);
  const reference = await load(referenceFolder);
  const policy = await load(path.resolve(golden.folder, json.policy_model));
  const schedule = parseSchedule(json.scheduler);
  const steps = json.steps as number;
  const grid = inversionTimesteps(schedule, steps);
  const [prompt, empty] = [{ states: device(input.cond!) }, { states: device(input.uncond!) }];
  const names = json.grad_params as string[];
  const levelsOf = (timesteps: number[]) => timesteps.map((t) => alphaBarAt(schedule, t));

  /** Guided noise of a model for K * PAIRS rows, with a timestep per row. */
  function noiseOf(weights: Weights, x: Tensor, timesteps: number[], scale: number): Tensor {
    const repeats = x.shape[0]! / PAIRS;
    const t = tf.tensor1d(timesteps);
    const conditional = unetForward(engine, config, weights, x, t, repeated(tf, prompt, repeats));
    if (scale === 1) return conditional;
    const without = unetForward(engine, config, weights, x, t, repeated(tf, empty, x.shape[0]!));
    return without.add(conditional.sub(without).mul(scale));
  }

  /** The rows that the recorded formulas ask for, out of the recorded trajectories. */
  function rowsOf(loss: PairLoss): Rows {
    if (loss.kind === 'dpo') {
      const timesteps = [...input['dpo.t']!.data];
      const noise = toNhwc(input['dpo.eps']!);
      const [winner, loser] = ['latents_w', 'latents_l'].map((name) =>
        stateFromNoise(tf, toNhwc(input[name]!), noise, levelsOf(timesteps)),
      );
      return { winner: winner!, loser: loser!, timesteps, targets: [noise, noise] };
    }
    const recorded = (what: string) =>
      ['w', 'l'].map((side) => unstacked(golden.output[`traj_${side}.s${loss.scale}.${what}`]!));
    const [w, l] = recorded('states') as [Tensor[], Tensor[]];
    if (loss.kind === 'published') {
      const timesteps = perPair(grid);
      return { winner: join(w.slice(0, steps)), loser: join(l.slice(0, steps)), timesteps, targets: null };
    }
    if (loss.kind === 'exact') {
      const targets = recorded('eps').map(join) as [Tensor, Tensor];
      return { winner: join(w.slice(1)), loser: join(l.slice(1)), timesteps: perPair(grid), targets };
    }
    const k = loss.stride!;
    const timesteps = perPair(grid.slice(k));
    const [from, to] = [levelsOf(timesteps), levelsOf(perPair(grid.slice(0, steps - k)))];
    const sides = [w, l].map((side) => ({
      x: join(side.slice(k + 1)),
      towards: join(side.slice(1, steps + 1 - k)),
    }));
    const targets = sides.map(({ x, towards }) => transitionNoise(tf, x, towards, from, to));
    return { winner: sides[0]!.x, loser: sides[1]!.x, timesteps, targets: targets as [Tensor, Tensor] };
  }

  function lossOf(loss: PairLoss, rows: Rows, weights: Weights) {
    const side = (x: Tensor) => ({
      policy: noiseOf(weights, x, rows.timesteps, loss.scale ?? 1),
      reference: noiseOf(reference, x, rows.timesteps, loss.scale ?? 1),
    });
    const [winner, loser] = [side(rows.winner), side(rows.loser)];
    const { beta } = loss;
    if (!rows.targets) {
      const rowWeights =
        loss.weight === '1' ? rows.timesteps.map(() => 1) : publishedWeights(levelsOf(rows.timesteps));
      return publishedLoss(tf, winner, loser, { beta, pairs: PAIRS, sign: loss.sign!, weights: rowWeights });
    }
    const [winnerTarget, loserTarget] = rows.targets;
    return diffusionDpoLoss(
      { ...winner, target: winnerTarget },
      { ...loser, target: loserTarget },
      { beta, pairs: PAIRS },
    );
  }

  /** Loss of a function of the weights, and its gradients by the case's parameter names. */
  function differentiated(f: (weights: Weights) => Tensor, weights: Weights) {
    // Copies: where the policy is the reference, only the policy is differentiated.
    const { value, grads } = tf.valueAndGrads(((...parts: Tensor[]) =>
      f({ ...weights, ...Object.fromEntries(names.map((n, i) => [n, parts[i]!])) })) as never)(
      names.map((n) => weights[n]!.clone()) as never,
    ) as unknown as { value: Tensor; grads: Tensor[] };
    return { value, grads };
  }

  return {
    ...{ config, specs, reference, policy, schedule, steps, prompt, empty, names },
    ...{ rowsOf, lossOf, differentiated, noiseOf },
    dispose: () => [reference, policy].forEach(disposeWeights),
  };
}

/** The losses of the case that belong to pairs under a reference. */
export const pairLosses = (golden: GoldenCase): [name: string, loss: PairLoss][] =>
  Object.entries(golden.json.losses as Record<string, PairLoss>).filter(([, { kind }]) =>
    ['published', 'exact', 'transition', 'dpo'].includes(kind),
  );

async function objectives(golden: GoldenCase): Promise<void> {
  const setting = await openObjectives(golden);
  const { names, specs } = setting;
  for (const [name, loss] of pairLosses(golden)) {
    tf.tidy(() => {
      const rows = setting.rowsOf(loss);
      golden.check(`${name}.inside`, setting.lossOf(loss, rows, setting.policy).inside.dataSync());
      const { value, grads } = setting.differentiated(
        (weights) => setting.lossOf(loss, rows, weights).loss,
        setting.policy,
      );
      golden.check(`${name}.loss`, value.dataSync());
      for (const [i, n] of names.entries())
        golden.check(`${name}.grad.${n}`, inTorchLayout(grads[i]!, n, specs));
    });
  }
  for (const scale of golden.json.cfg_scales as number[]) {
    for (const side of ['w', 'l']) {
      const { config, reference, prompt, empty, schedule, steps } = setting;
      const predict = guidedPredictor(engine, config, reference, { prompt, empty }, scale);
      const x0 = toNhwc(golden.input[`latents_${side}`]!);
      const trajectory = invert(engine, schedule, predict, x0, steps);
      const flat = (parts: Tensor[]) => tf.stack(parts).transpose([0, 1, 4, 2, 3]).dataSync();
      golden.check(`traj_${side}.s${scale}.states`, flat(trajectory.states));
      golden.check(`traj_${side}.s${scale}.eps`, flat(trajectory.outputs));
      disposeTrajectory(trajectory);
    }
  }
  setting.dispose();
}

export const components: Record<string, ComponentCheck> = { 'training objectives': objectives };

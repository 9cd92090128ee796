import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { disposeTrajectory, invert } from '../../src/diffusion/invert.ts';
import { guidedPredictor } from '../../src/diffusion/predictor.ts';
import { alphaBarAt, inversionTimesteps, parseSchedule } from '../../src/diffusion/schedule.ts';
import { openEngine, type Tensor } from '../../src/engine/engine.ts';
import type { HostTensor } from '../../src/engine/safetensors.ts';
import { loadWeights, toTorchLayout, type Weights } from '../../src/engine/weights.ts';
import { unetForward } from '../../src/models/unet.ts';
import { parseUNetConfig } from '../../src/models/unet-config.ts';
import { unetParameters } from '../../src/models/unet-parameters.ts';
import { preferenceLoss } from '../../src/training/loss.ts';
import {
  endpointNoise,
  stateFromNoise,
  transitionNoise,
} from '../../src/training/objectives/inversion-dpo.ts';
import { goldenCase } from '../golden.ts';

/** Losses of the golden case that this project implements. */
const CASES = [
  'published.b2000.s1',
  'published.b1.s1',
  'published.b2000.s2',
  'published.b1.s2',
  'negated.b2000.s1',
  'negated.b2000.s2',
  'exact.b2000.s1',
  'exact.b1.s2',
  'transition.k1.b2000.s1',
  'transition.k2.b2000.s1',
  'transition.k2.b1.s1',
  'transition.k2.b2000.s2',
  'transition.k4.b2000.s1',
  'diffusion-dpo.b2000',
];

const engine = await openEngine();
const { tf } = engine;
const golden = await goldenCase('objectives');
const { input, json } = golden;
const referenceFolder = path.join(golden.folder, '..', 'unet-sd15', 'model');
const config = parseUNetConfig(JSON.parse(readFileSync(path.join(referenceFolder, 'config.json'), 'utf8')));
const specs = unetParameters(config);
const file = (folder: string) => path.join(folder, 'diffusion_pytorch_model.safetensors');
const reference = await loadWeights(engine, file(referenceFolder), specs);
const policy = await loadWeights(engine, file(path.join(golden.folder, 'model')), specs);
const schedule = parseSchedule(json.scheduler);
const steps = json.steps as number;
const grid = inversionTimesteps(schedule, steps);
const pairs = 2;

const device = ({ data, shape }: HostTensor): Tensor => tf.tensor(data, shape, 'float32');
const nhwc = (t: HostTensor): Tensor => device(t).transpose([0, 2, 3, 1]);
/** [N, B, C, H, W] to a list of N tensors [B, H, W, C]. */
const unstacked = (t: HostTensor): Tensor[] => tf.unstack(device(t).transpose([0, 1, 3, 4, 2]));
const prompt = device(input.cond!);
const empty = device(input.uncond!);

/** Guided noise of a model for K * pairs rows, with a timestep per row. */
function noiseOf(weights: Weights, x: Tensor, timesteps: number[], scale: number): Tensor {
  const repeats = x.shape[0]! / pairs;
  const t = tf.tensor1d(timesteps);
  const conditional = unetForward(engine, config, weights, x, t, tf.tile(prompt, [repeats, 1, 1]));
  if (scale === 1) return conditional;
  const without = unetForward(engine, config, weights, x, t, tf.tile(empty, [x.shape[0]!, 1, 1]));
  return without.add(conditional.sub(without).mul(scale));
}

interface Rows {
  winner: Tensor;
  loser: Tensor;
  timesteps: number[];
  targets: [Tensor, Tensor] | null;
}

const levelsOf = (timesteps: number[]) => timesteps.map((t) => alphaBarAt(schedule, t));
const perPair = (timesteps: number[]) => timesteps.flatMap((t) => Array<number>(pairs).fill(t));
const join = (parts: Tensor[]) => tf.concat(parts, 0) as Tensor;

/** The rows that the golden formulas ask for, out of the recorded trajectories. */
function rowsOf(loss: { kind: string; scale: number; stride?: number }): Rows {
  if (loss.kind === 'dpo') {
    const timesteps = [...input['dpo.t']!.data];
    const noise = nhwc(input['dpo.eps']!);
    const levels = levelsOf(timesteps);
    const [winner, loser] = ['latents_w', 'latents_l'].map((name) =>
      stateFromNoise(tf, nhwc(input[name]!), noise, levels),
    );
    return { winner: winner!, loser: loser!, timesteps, targets: [noise, noise] };
  }
  const states = ['w', 'l'].map((side) => unstacked(golden.output[`traj_${side}.s${loss.scale}.states`]!));
  const noises = ['w', 'l'].map((side) => unstacked(golden.output[`traj_${side}.s${loss.scale}.eps`]!));
  const [w, l] = states as [Tensor[], Tensor[]];
  if (loss.kind === 'published') {
    const timesteps = perPair(grid);
    return { winner: join(w.slice(0, steps)), loser: join(l.slice(0, steps)), timesteps, targets: null };
  }
  if (loss.kind === 'exact') {
    const targets = noises.map((side) => join(side)) as [Tensor, Tensor];
    return { winner: join(w.slice(1)), loser: join(l.slice(1)), timesteps: perPair(grid), targets };
  }
  const k = loss.stride!;
  const timesteps = perPair(grid.slice(k));
  const from = levelsOf(timesteps);
  const to = levelsOf(perPair(grid.slice(0, steps - k)));
  const sides = [w, l].map((side) => ({
    x: join(side.slice(k + 1)),
    towards: join(side.slice(1, steps + 1 - k)),
  }));
  const targets = sides.map(({ x, towards }) => transitionNoise(tf, x, towards, from, to));
  return { winner: sides[0]!.x, loser: sides[1]!.x, timesteps, targets: targets as [Tensor, Tensor] };
}

function lossOf(
  rows: Rows,
  loss: { kind: string; beta: number; sign?: number },
  scale: number,
  weights: Weights,
) {
  const form = loss.kind !== 'published' ? 'transition' : loss.sign === 1 ? 'published' : 'negated';
  const objective = loss.kind === 'dpo' ? 'diffusion-dpo' : 'inversion-dpo';
  const side = (x: Tensor, i: 0 | 1) => ({
    policy: noiseOf(weights, x, rows.timesteps, scale),
    reference: noiseOf(reference, x, rows.timesteps, scale),
    target: rows.targets?.[i] ?? null,
  });
  const settings = { objective, form, beta: loss.beta } as const;
  const levels = levelsOf(rows.timesteps);
  return preferenceLoss(tf, settings, levels, pairs, side(rows.winner, 0), side(rows.loser, 1));
}

function gradients(rows: Rows, loss: never, scale: number, weights: Weights, names: string[]) {
  const f = (...parts: Tensor[]) =>
    lossOf(rows, loss, scale, { ...weights, ...Object.fromEntries(names.map((n, i) => [n, parts[i]!])) })
      .loss;
  // Copies: where the policy is the reference, only the policy is differentiated.
  return tf.valueAndGrads(f as never)(names.map((n) => weights[n]!.clone()) as never);
}

for (const name of CASES) {
  test(`${name}: loss, argument and gradients`, () => {
    const loss = json.losses[name];
    const scale = loss.scale ?? 1;
    tf.tidy(() => {
      const rows = rowsOf(loss);
      golden.check(`${name}.inside`, lossOf(rows, loss, scale, policy).inside.dataSync());
      const names = json.grad_params as string[];
      const { value, grads } = gradients(rows, loss as never, scale, policy, names);
      golden.check(`${name}.loss`, value.dataSync());
      for (const [i, n] of names.entries()) {
        const data = grads[i]!.dataSync() as Float32Array;
        const host: HostTensor = { shape: grads[i]!.shape, dtype: 'float32', data };
        golden.check(`${name}.grad.${n}`, toTorchLayout(host, specs.find((s) => s.name === n)!.kind).data);
      }
    });
  });
}

test('the published forms do not move a policy that equals its reference; the others do', () => {
  const names = json.grad_params as string[];
  for (const name of ['published.b2000.s1', 'published.b2000.s2', 'exact.b2000.s1', 'diffusion-dpo.b2000']) {
    const loss = json.losses[name];
    tf.tidy(() => {
      const { value, grads } = gradients(rowsOf(loss), loss as never, loss.scale ?? 1, reference, names);
      assert.ok(Math.abs(value.dataSync()[0]! - Math.LN2) < 1e-6);
      const largest = Math.max(...grads.map((g) => (g as Tensor).abs().max().dataSync()[0]!));
      if (name.startsWith('published')) assert.equal(largest, 0, name);
      else assert.ok(largest > 1, `${name}: ${largest}`);
    });
  }
});

for (const scale of [1, 2]) {
  test(`the reference's trajectory at guidance ${scale}`, () => {
    for (const side of ['w', 'l']) {
      const predict = guidedPredictor(engine, config, reference, { prompt, empty }, scale);
      const trajectory = invert(engine, schedule, predict, nhwc(input[`latents_${side}`]!), steps);
      const flat = (parts: Tensor[]) => tf.stack(parts).transpose([0, 1, 4, 2, 3]).dataSync();
      golden.check(`traj_${side}.s${scale}.states`, flat(trajectory.states));
      golden.check(`traj_${side}.s${scale}.eps`, flat(trajectory.outputs));
      disposeTrajectory(trajectory);
    }
  });
}

test('endpoint noise puts back the state it was taken from', () => {
  const [x0, xt] = [nhwc(input.latents_w!), nhwc(input.latents_l!)];
  const levels = [0.9, 0.2];
  const back = stateFromNoise(tf, x0, endpointNoise(tf, xt, x0, levels), levels);
  assert.ok(back.sub(xt).abs().max().dataSync()[0]! < 1e-5);
});

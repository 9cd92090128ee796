/** What the losses do beyond their recorded values and gradients (test/components/objectives.ts has those). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '../../src/engine/engine.ts';
import { d3poLoss } from '../../src/training/objectives/d3po.ts';
import { ddpoLoss } from '../../src/training/objectives/ddpo.ts';
import { dspoLoss } from '../../src/training/objectives/dspo.ts';
import { endpointNoise, stateFromNoise } from '../../src/training/objectives/inversion-dpo.ts';
import { ktoLoss } from '../../src/training/objectives/kto.ts';
import { mapoLoss } from '../../src/training/objectives/mapo.ts';
import { sftLoss } from '../../src/training/objectives/sft.ts';
import { engine, toNhwc } from '../components/tensors.ts';
import { goldenCase } from '../golden.ts';

const { tf } = engine;
const golden = await goldenCase('objectives');
const value = (t: Tensor) => t.dataSync()[0]!;
const close = (got: number, want: number) => assert.ok(Math.abs(got - want) < 1e-6, `${got} against ${want}`);

/** Rows of two values each, whose mean square errors against a target of zeros are these. */
const erring = (...meanSquares: number[]) =>
  tf.tensor2d(meanSquares.map((m) => [Math.sqrt(2 * m), 0])) as Tensor;
const zeros = (rows: number) => tf.zeros([rows, 2]) as Tensor;

test('DSPO of a policy that equals its reference is SFT on the winners', () => {
  const [winner, loser] = [erring(0.3, 0.5), erring(0.1, 0.9)].map((policy) => ({
    ...{ policy, reference: policy.clone(), target: zeros(2) },
  }));
  close(value(sftLoss(winner!).mean()), 0.4);
  close(value(dspoLoss(winner!, loser!, { beta: 5 }).losses.mean()), 0.4);
});

test('MaPO: sides that err alike leave SFT and beta ln 2; a worse loser lowers the loss', () => {
  const side = (m: number) => ({ policy: erring(m), target: zeros(1) });
  const loss = (winner: number, loser: number) =>
    mapoLoss(side(winner), side(loser), { beta: 0.1, snr: 0.5 });
  close(value(loss(0.4, 0.4).losses), 0.4 + 0.1 * Math.LN2);
  assert.ok(value(loss(0.4, 0.41).losses) < value(loss(0.4, 0.4).losses));
  assert.ok(value(loss(0.4, 0.41).inside) > 0);
});

test('KTO: the policy is measured against how it moved on average, a constant that is never below 0', () => {
  const beta = 2;
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  for (const gains of [
    [0.3, 0.1],
    [-0.3, 0.1],
  ] as const) {
    const policy = erring(...gains.map((gain) => 0.5 - gain));
    const rest = { reference: erring(0.5, 0.5), target: zeros(2) };
    const kl = Math.max(0, (gains[0] + gains[1]) / 2);
    const insides = [beta * (gains[0] - kl), -beta * (gains[1] - kl)] as const;
    const loss = (x: Tensor) => ktoLoss(tf, { policy: x, ...rest }, [true, false], { beta }).mean();
    close(value(loss(policy)), insides.reduce((sum, x) => sum + 1 - sigmoid(x), 0) / 2);
    // g falls by the policy's value where that grows, and kl stays.
    const slopes = insides.map((x, i) => ((i ? -1 : 1) * beta * sigmoid(x) * (1 - sigmoid(x))) / 2);
    const [grad, values] = [tf.grad(loss)(policy).dataSync(), policy.dataSync()];
    for (const i of [0, 1]) close(grad[2 * i]!, slopes[i]! * values[2 * i]!);
  }
});

test('endpoint noise puts back the state it was taken from (1e-5)', () => {
  const [x0, xt] = [toNhwc(golden.input.latents_w!), toNhwc(golden.input.latents_l!)];
  const levels = [0.9, 0.2];
  const back = stateFromNoise(tf, x0, endpointNoise(tf, xt, x0, levels), levels);
  assert.ok(back.sub(xt).abs().max().dataSync()[0]! < 1e-5);
});

/** Ratios and advantages on both sides of every edge. */
const RATIOS = [0.9, 0.99995, 1, 1.00005, 1.2];
const ADVANTAGES = [-7, -2, 0.5, 6];

test('DDPO: the worse of the ratio and the clipped ratio counts, advantages only up to 5 (1e-5)', () => {
  const cases = RATIOS.flatMap((ratio) => ADVANTAGES.map((advantage) => ({ ratio, advantage })));
  const logRatio = tf.tensor1d(cases.map(({ ratio }) => Math.log(ratio))) as Tensor;
  const advantage = tf.tensor1d(cases.map((one) => one.advantage)) as Tensor;
  const losses = ddpoLoss(tf, logRatio, advantage).dataSync();
  const slopes = tf
    .grad((x: Tensor) => ddpoLoss(tf, x, advantage).sum())(logRatio)
    .dataSync();
  for (const [i, { ratio, advantage: raw }] of cases.entries()) {
    const a = Math.min(5, Math.max(-5, raw));
    const clipped = Math.min(1.0001, Math.max(0.9999, ratio));
    assert.ok(Math.abs(losses[i]! - Math.max(-a * ratio, -a * clipped)) < 1e-5, `loss ${i}`);
    // Better than the sampler already where it should be: nothing more to gain.
    const done = a > 0 ? ratio > 1.0001 : ratio < 0.9999;
    assert.ok(Math.abs(slopes[i]! - (done ? 0 : -a * ratio)) < 1e-5, `slope ${i}: ${slopes[i]}`);
  }
});

test('D3PO: DPO of ratios that are held within 0.9 and 1.1; ln 2 without a slope where neither is better (1e-6)', () => {
  const beta = 3;
  const cases = RATIOS.flatMap((winner) =>
    RATIOS.flatMap((loser) => [0, 1].map((preference) => ({ winner, loser, preference }))),
  );
  const column = (of: (one: (typeof cases)[0]) => number) => tf.tensor1d(cases.map(of)) as Tensor;
  const winner = column((one) => Math.log(one.winner));
  const loser = column((one) => Math.log(one.loser));
  const preference = column((one) => one.preference);
  const { losses, inside } = d3poLoss(winner, loser, preference, { beta });
  const [values, insides] = [losses.dataSync(), inside.dataSync()];
  const slopes = tf
    .grad((x: Tensor) => d3poLoss(x, loser, preference, { beta }).losses.sum())(winner)
    .dataSync();
  const held = (ratio: number) => Math.log(Math.min(1.1, Math.max(0.9, ratio)));
  for (const [i, one] of cases.entries()) {
    const x = beta * one.preference * (held(one.winner) - held(one.loser));
    close(insides[i]!, x);
    close(values[i]!, -Math.log(1 / (1 + Math.exp(-x))));
    // At 0.9 itself, where float32 decides the side, either slope is right.
    if (one.winner === 0.9) continue;
    close(slopes[i]!, one.winner === 1.2 ? 0 : (-beta * one.preference) / (1 + Math.exp(x)));
  }
});

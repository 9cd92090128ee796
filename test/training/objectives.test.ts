/** What the losses do beyond their recorded values (test/components/objectives.ts has those). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '../../src/engine/engine.ts';
import { endpointNoise, stateFromNoise } from '../../src/training/objectives/inversion-dpo.ts';
import { openObjectives, pairLosses } from '../components/objectives.ts';
import { engine, toNhwc } from '../components/tensors.ts';
import { goldenCase } from '../golden.ts';

const { tf } = engine;
const golden = await goldenCase('objectives');

test('the published forms do not move a policy that equals its reference; the others do', async () => {
  const setting = await openObjectives(golden);
  const chosen = ['published.b2000.s1', 'published.b2000.s2', 'exact.b2000.s1', 'diffusion-dpo.b2000'];
  const losses = pairLosses(golden).filter(([name]) => chosen.includes(name));
  assert.equal(losses.length, chosen.length);
  for (const [name, loss] of losses) {
    tf.tidy(() => {
      const rows = setting.rowsOf(loss);
      const lossOf = (weights: typeof setting.reference) => setting.lossOf(loss, rows, weights).loss;
      const { value, grads } = setting.differentiated(lossOf, setting.reference);
      assert.ok(Math.abs(value.dataSync()[0]! - Math.LN2) < 1e-6);
      const largest = Math.max(...grads.map((g: Tensor) => g.abs().max().dataSync()[0]!));
      if (name.startsWith('published')) assert.equal(largest, 0, name);
      else assert.ok(largest > 1, `${name}: ${largest}`);
    });
  }
  setting.dispose();
});

test('endpoint noise puts back the state it was taken from (1e-5)', () => {
  const [x0, xt] = [toNhwc(golden.input.latents_w!), toNhwc(golden.input.latents_l!)];
  const levels = [0.9, 0.2];
  const back = stateFromNoise(tf, x0, endpointNoise(tf, xt, x0, levels), levels);
  assert.ok(back.sub(xt).abs().max().dataSync()[0]! < 1e-5);
});

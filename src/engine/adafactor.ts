/**
 * Adafactor without a first moment (Shazeer and Stern, arXiv 1804.04235), as Adafactor of transformers does it, each
 * parameter by itself. Step t from 1, gradient g:
 *   b2 = 1 - t^decayRate,  u = g^2 + eps1
 *   matrices: r <- b2 r + (1 - b2) mean of u over columns,  c <- the same over rows,  v = r c / mean(r)
 *   others:   v <- b2 v + (1 - b2) u
 *   d = g / sqrt(v);  d <- d / max(1, rms(d) / clipThreshold)
 *   p <- p - rate wd p - rate d
 * The factors lie along the last two axes of torch's order. For linear weights they are a sliver of the memory of a
 * full second moment; for a convolution these axes are its kernel's, and 3 x 3 saves a third.
 */
import type { Engine, Tensor } from './engine.ts';
import { joinVector, splitVector } from './flat-vector.ts';
import { type Optimizer, type OptimizerRule, type OptimizerStart, startMoment } from './optimizer.ts';
import { sizeOf } from './tensor.ts';
import { engineShape, type ParameterSpec } from './weights.ts';

export interface AdafactorSettings {
  /** Added to the squared gradient. */
  eps1: number;
  /** Least root mean square of a parameter that `scaleParameter` reckons with. */
  eps2: number;
  clipThreshold: number;
  decayRate: number;
  weightDecay: number;
  /** Multiplies the rate by the parameter's root mean square. */
  scaleParameter: boolean;
  /** The rate is min(0.01, 1 / sqrt(t)) instead of the one given. */
  relativeStep: boolean;
  /** With `relativeStep`: min(1e-6 t, 1 / sqrt(t)). */
  warmupInit: boolean;
}

/** As the SDXL trainers of Diffusion-DPO and Inversion-DPO set it: the rate comes from outside. */
export const ADAFACTOR_DEFAULTS: AdafactorSettings = {
  eps1: 1e-30,
  eps2: 1e-3,
  clipThreshold: 1,
  decayRate: -0.8,
  weightDecay: 0.01,
  scaleParameter: false,
  relativeStep: false,
  warmupInit: false,
};

export function adafactor(settings: Partial<AdafactorSettings> = {}): OptimizerRule {
  const all = { ...ADAFACTOR_DEFAULTS, ...settings };
  return (engine, specs, start) => createAdafactor(engine, specs, start, all);
}

function createAdafactor(
  engine: Engine,
  specs: readonly ParameterSpec[],
  start: OptimizerStart,
  settings: AdafactorSettings,
): Optimizer {
  const { tf } = engine;
  const { weightDecay, clipThreshold } = settings;
  const shapes = specs.map(engineShape);
  const axes = specs.map(factoredAxes);
  /** What is kept of each second moment: [row means, column means], or all of it. */
  const keptShapes = shapes.map((shape, i) => axes[i]?.map((axis) => shape.with(axis, 1)) ?? [shape]);
  const keptLength = keptShapes.flat().reduce((sum, shape) => sum + sizeOf(shape), 0);
  const noMoment = startMoment(start, 'm', 0);
  const onDevice = (values: Float32Array) => tf.keep(tf.tensor1d(values) as Tensor);
  let held = [start.parameters, startMoment(start, 'v', keptLength)].map(onDevice);

  return {
    vector: () => held[0]!.clone(),
    apply(gradient, learningRate, t) {
      const next = tf.tidy(() => {
        const [parameters, gradients] = [held[0]!, gradient].map((x) => splitVector(engine, x, shapes));
        const second = splitVector(engine, held[1]!, keptShapes.flat());
        const after = parameters!.map((p, i) => {
          const old = second.splice(0, keptShapes[i]!.length);
          const { direction, kept } = scaledBySecond(settings, gradients![i]!, axes[i]!, old, t);
          const clip = rms(direction).div(clipThreshold).maximum(1);
          const rate = rateOf(settings, p, learningRate, t);
          const decayed = p.sub(p.mul(rate).mul(weightDecay));
          return { p: decayed.sub(direction.div(clip).mul(rate)) as Tensor, kept };
        });
        const values = after.map(({ p }) => p);
        return [values, after.flatMap(({ kept }) => kept)].map((parts) => joinVector(engine, parts));
      });
      tf.dispose(held);
      held = next.map((tensor) => tf.keep(tensor));
    },
    state() {
      const [parameters, v] = held.map((tensor) => tensor.dataSync() as Float32Array);
      return { parameters: parameters!, m: noMoment, v: v! };
    },
    dispose: () => tf.dispose(held),
  };
}

/** [columns, rows] of a second moment in engine layout: the last two axes of torch's order. Null: not factored. */
function factoredAxes({ shape, kind }: ParameterSpec): [number, number] | null {
  if (shape.length < 2) return null;
  return kind === 'conv' ? [1, 0] : [shape.length - 1, shape.length - 2];
}

/** g / sqrt(v), and the new second moment in the form that it is kept in. */
function scaledBySecond(
  { eps1, decayRate }: AdafactorSettings,
  g: Tensor,
  axes: [number, number] | null,
  kept: readonly Tensor[],
  t: number,
): { direction: Tensor; kept: Tensor[] } {
  const beta2 = 1 - t ** decayRate;
  const u = g.square().add(eps1);
  const average = (old: Tensor, now: Tensor): Tensor => old.mul(beta2).add(now.mul(1 - beta2));
  if (!axes) {
    const v = average(kept[0]!, u);
    return { direction: g.mul(v.rsqrt()), kept: [v] };
  }
  const r = average(kept[0]!, u.mean(axes[0], true));
  const c = average(kept[1]!, u.mean(axes[1], true));
  // Root by root: the product of two small factors may be 0 in float32.
  const direction = g.mul(r.div(r.mean(axes[1], true)).rsqrt()).mul(c.rsqrt()) as Tensor;
  return { direction, kept: [r, c] };
}

function rateOf(settings: AdafactorSettings, p: Tensor, learningRate: number, t: number): Tensor | number {
  const { relativeStep, warmupInit, scaleParameter, eps2 } = settings;
  const rate = relativeStep ? Math.min(warmupInit ? 1e-6 * t : 1e-2, 1 / Math.sqrt(t)) : learningRate;
  return scaleParameter ? rms(p).maximum(eps2).mul(rate) : rate;
}

const rms = (x: Tensor): Tensor => x.square().mean().sqrt();

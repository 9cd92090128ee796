/**
 * Adafactor (Shazeer and Stern, arXiv 1804.04235), as Adafactor of transformers does it, each parameter by itself.
 * Step t from 1, gradient g:
 *   b2 = 1 - t^decayRate,  u = g^2 + eps1
 *   matrices: r <- b2 r + (1 - b2) mean of u over columns,  c <- the same over rows,  v = r c / mean(r)
 *   vectors:  v <- b2 v + (1 - b2) u
 *   d = g / sqrt(v);  d <- d / max(1, rms(d) / clipThreshold);  d <- rate d
 *   with beta1: m <- beta1 m + (1 - beta1) d,  d = m
 *   p <- p - rate wd p - d
 * The two factors are a sliver of the memory of a full second moment. They lie along the last two axes of torch's
 * order: for a convolution, those of its kernel.
 */
import type { Engine, Tensor } from './engine.ts';
import { joinVector, sizeOf, splitVector } from './flat-vector.ts';
import { type Optimizer, type OptimizerRule, type OptimizerStart, startMoment } from './optimizer.ts';
import { engineShape, type ParameterSpec } from './weights.ts';

export interface AdafactorSettings {
  /** Added to the squared gradient. */
  eps1: number;
  /** Least size of a parameter that `scaleParameter` reckons with. */
  eps2: number;
  clipThreshold: number;
  decayRate: number;
  /** Decay of a first moment; null: none is kept. */
  beta1: number | null;
  weightDecay: number;
  /** Multiplies the rate by the parameter's root mean square. */
  scaleParameter: boolean;
  /** The rate is min(0.01, 1 / sqrt(t)) instead of the one given. */
  relativeStep: boolean;
  /** With `relativeStep`: min(1e-6 t, 1 / sqrt(t)). */
  warmupInit: boolean;
}

/** Those of transformers but for the last three, where a rate is given from outside (Diffusion-DPO's train.py). */
export const ADAFACTOR_DEFAULTS: AdafactorSettings = {
  eps1: 1e-30,
  eps2: 1e-3,
  clipThreshold: 1,
  decayRate: -0.8,
  beta1: null,
  weightDecay: 0,
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
  const { eps1, decayRate, beta1, weightDecay } = settings;
  const shapes = specs.map(engineShape);
  const axes = specs.map(factoredAxes);
  /** Shapes of what is kept of each second moment: [row means, column means], or all of it. */
  const keptShapes = shapes.map((shape, i) => axes[i]?.map((axis) => shape.with(axis, 1)) ?? [shape]);
  const length = (of: readonly number[][]) => of.reduce((sum, shape) => sum + sizeOf(shape), 0);
  const onDevice = (values: Float32Array) => tf.keep(tf.tensor1d(values) as Tensor);
  const m = startMoment(start, 'm', beta1 === null ? 0 : length(shapes));
  const v = startMoment(start, 'v', length(keptShapes.flat()));
  let held = [start.parameters, m, v].map(onDevice);

  /** The new second moment of parameter i, as it is kept, and g / sqrt of it. */
  function scaled(
    i: number,
    g: Tensor,
    kept: Tensor[],
    beta2: number,
  ): { direction: Tensor; kept: Tensor[] } {
    const u = g.square().add(eps1);
    const average = (old: Tensor, now: Tensor): Tensor => old.mul(beta2).add(now.mul(1 - beta2));
    if (!axes[i]) {
      const full = average(kept[0]!, u);
      return { direction: g.mul(full.rsqrt()), kept: [full] };
    }
    const factors = axes[i].map((axis, which) => average(kept[which]!, u.mean(axis, true)));
    const [r, c] = factors as [Tensor, Tensor];
    // Root by root: the product of two small factors may be 0 in float32.
    const direction = g.mul(r.div(r.mean(axes[i][1], true)).rsqrt()).mul(c.rsqrt()) as Tensor;
    return { direction, kept: factors };
  }

  return {
    vector: () => held[0]!.clone(),
    apply(gradient, learningRate, t) {
      const next = tf.tidy(() => {
        const [parameters, gradients] = [held[0]!, gradient].map((x) => splitVector(engine, x, shapes));
        const moments = beta1 === null ? null : splitVector(engine, held[1]!, shapes);
        const second = splitVector(engine, held[2]!, keptShapes.flat());
        const after = parameters!.map((p, i) => {
          const { direction, kept } = scaled(
            i,
            gradients![i]!,
            second.splice(0, keptShapes[i]!.length),
            1 - t ** decayRate,
          );
          const clip = rms(direction).div(settings.clipThreshold).maximum(1);
          const rate = rateOf(settings, p, learningRate, t);
          const step = direction.div(clip).mul(rate);
          const m = moments?.[i]!.mul(beta1!).add(step.mul(1 - beta1!)) as Tensor | undefined;
          const decayed = p.sub(p.mul(rate).mul(weightDecay));
          return { p: decayed.sub(m ?? step) as Tensor, m, kept };
        });
        return [
          joinVector(
            engine,
            after.map(({ p }) => p),
          ),
          moments
            ? joinVector(
                engine,
                after.map(({ m }) => m!),
              )
            : held[1]!.clone(),
          joinVector(
            engine,
            after.flatMap(({ kept }) => kept),
          ),
        ];
      });
      tf.dispose(held);
      held = next.map((tensor) => tf.keep(tensor));
    },
    state() {
      const [parameters, m, v] = held.map((tensor) => tensor.dataSync() as Float32Array);
      return { parameters: parameters!, m: m!, v: v! };
    },
    dispose: () => tf.dispose(held),
  };
}

/** The axes that the second moment is averaged over: the last two of torch's order, in engine layout; null: none. */
function factoredAxes({ shape, kind }: ParameterSpec): [number, number] | null {
  if (shape.length < 2) return null;
  return kind === 'conv' ? [1, 0] : [shape.length - 1, shape.length - 2];
}

function rateOf(settings: AdafactorSettings, p: Tensor, learningRate: number, t: number): Tensor | number {
  const { relativeStep, warmupInit, scaleParameter, eps2 } = settings;
  const rate = relativeStep ? Math.min(warmupInit ? 1e-6 * t : 1e-2, 1 / Math.sqrt(t)) : learningRate;
  return scaleParameter ? rms(p).maximum(eps2).mul(rate) : rate;
}

const rms = (x: Tensor): Tensor => x.square().mean().sqrt();

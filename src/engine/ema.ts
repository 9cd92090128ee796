/**
 * An optimizer that also keeps an exponential moving average of its parameters (Polyak and Juditsky 1992). After
 * update t, from 1:
 *   d = min(decay, (1 + t) / (10 + t)),  average <- d average + (1 - d) p
 * The average begins at the parameters that training begins at; the smaller d of the first updates, as in EMAModel of
 * diffusers, is what lets a short run leave them.
 */
import type { Tensor } from './engine.ts';
import type { OptimizerRule } from './optimizer.ts';

/** Of update t, from 1. */
export const decayAt = (decay: number, t: number): number => Math.min(decay, (1 + t) / (10 + t));

export function withEma(rule: OptimizerRule, decay: number): OptimizerRule {
  return (engine, specs, start) => {
    const { tf } = engine;
    const optimizer = rule(engine, specs, start);
    let average = tf.keep(tf.tensor1d(start.ema ?? start.parameters) as Tensor);
    return {
      ...optimizer,
      average: () => average.clone(),
      apply(gradient, learningRate, t) {
        optimizer.apply(gradient, learningRate, t);
        const d = decayAt(decay, t);
        const next = tf.tidy(() => average.mul(d).add(optimizer.vector().mul(1 - d)) as Tensor);
        average.dispose();
        average = tf.keep(next);
      },
      state: () => ({ ...optimizer.state(), ema: Float32Array.from(average.dataSync()) }),
      dispose() {
        optimizer.dispose();
        average.dispose();
      },
    };
  };
}

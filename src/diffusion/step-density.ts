/** A stochastic DDIM step as the Gaussian that it draws from: what policy gradients need of a sampler. */
import type { Tensor, Tf } from '../engine/engine.ts';
import type { StepFactors } from './ddim.ts';

/**
 * log N(next; mean, sigma^2) of each row, as its mean over the values of the row, not their sum
 * (kvablack/ddpo-pytorch: ddim_with_logprob.py):
 *   mean [ -(next - mean)^2 / (2 sigma^2) ] - log sigma - log sqrt(2 pi)
 * `next` and `mean` are [R, ...], `sigma` [R], each above 0. [R].
 */
export function logDensity(next: Tensor, mean: Tensor, sigma: Tensor): Tensor {
  const axes = next.shape.map((_, axis) => axis).slice(1);
  const squares = next.sub(mean).square().mean(axes) as Tensor;
  const exponent = squares.div(sigma.square().mul(-2));
  return exponent.sub(sigma.log()).sub(Math.log(2 * Math.PI) / 2);
}

/** Factors of rows at different timesteps as tensors [R, 1, ...] that go with rows of so many axes. */
export function factorsPerRow(tf: Tf, rows: readonly StepFactors[], axes: number): StepFactors<Tensor> {
  const column = (name: keyof StepFactors) =>
    tf.tensor(
      rows.map((row) => row[name]),
      [rows.length, ...Array<number>(axes - 1).fill(1)],
      'float32',
    );
  return {
    signal: column('signal'),
    noise: column('noise'),
    nextSignal: column('nextSignal'),
    nextNoise: column('nextNoise'),
    sigma: column('sigma'),
  };
}

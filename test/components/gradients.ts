/** A model's gradients against recorded ones: the length of all, and some of them whole. */
import type { Tensor } from '../../src/engine/engine.ts';
import type { ParameterSpec, Weights } from '../../src/engine/weights.ts';
import type { GoldenCase } from '../golden.ts';
import { engine, inTorchLayout } from './tensors.ts';

/** Outputs NAME.grad_norm, and NAME.grad.PARAMETER for the case's `grad_params`. */
export function checkGradients(
  golden: GoldenCase,
  name: string,
  grads: Weights,
  specs: readonly ParameterSpec[],
): void {
  golden.check(`${name}.grad_norm`, [norm(grads)]);
  for (const parameter of golden.json.grad_params as string[])
    golden.check(`${name}.grad.${parameter}`, inTorchLayout(grads[parameter]!, parameter, specs));
}

/** Summed in float64. */
function norm(grads: Weights): number {
  const squares = engine.tf.stack(Object.values(grads).map((grad) => grad.square().sum() as Tensor));
  return Math.sqrt([...squares.dataSync()].reduce((sum, x) => sum + x, 0));
}

/** What every numeric file names: TensorFlow.js as a whole, its tensor, and the number of values in a shape. */
import type * as tfTypes from '@tensorflow/tfjs';

export type Tf = typeof tfTypes;
export type Tensor = tfTypes.Tensor;

export const sizeOf = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);

/** The two types that every numeric file names: TensorFlow.js as a whole, and its tensor. */
import type * as tfTypes from '@tensorflow/tfjs';

export type Tf = typeof tfTypes;
export type Tensor = tfTypes.Tensor;

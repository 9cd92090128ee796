/** What the flat parameter vector asks of an optimizer: adamw.ts, adafactor.ts, and ema.ts around either. */
import { DiptychError } from '../errors.ts';
import type { Engine, Tensor } from './engine.ts';
import type { ParameterSpec } from './weights.ts';

/** Parameters and moments of the gradient: all a run needs to go on. */
export interface OptimizerState {
  parameters: Float32Array;
  /** First moment; empty where the optimizer keeps none. */
  m: Float32Array;
  /** Second moment, in the form that the optimizer keeps it. */
  v: Float32Array;
  /** Average of the parameters, where one is kept. */
  ema?: Float32Array;
}

/** A state to go on from, or parameters alone for a run that begins. */
export type OptimizerStart = Pick<OptimizerState, 'parameters'> & Partial<OptimizerState>;

export interface Optimizer {
  /** The parameters as a tensor; the caller disposes it. */
  vector(): Tensor;
  /** The average of the parameters, where one is kept; the caller disposes it. */
  average?(): Tensor;
  /** Update number `t` (from 1) along the gradient. */
  apply(gradient: Tensor, learningRate: number, t: number): void;
  state(): OptimizerState;
  dispose(): void;
}

/** Opens an optimizer on the parameters of `specs`, joined in their order, each in engine layout. */
export type OptimizerRule = (
  engine: Engine,
  specs: readonly ParameterSpec[],
  start: OptimizerStart,
) => Optimizer;

/** A moment of `length` values to start from: zeros for a run that begins. */
export function startMoment(start: OptimizerStart, moment: 'm' | 'v', length: number): Float32Array {
  const values = start[moment] ?? new Float32Array(length);
  if (values.length === length) return values;
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `optimizer state: "${moment}" holds ${values.length} values instead of ${length}; ` +
      'it is of other parameters or another optimizer',
  );
}

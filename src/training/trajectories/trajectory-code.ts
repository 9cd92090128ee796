/**
 * A trajectory as halves: the image, then for each later state the noise that leads to it from the one before. In
 * y = x / sqrt(aBar) and sigma = sqrt(1 / aBar - 1) a DDIM step is y_t = y_s + (sigma_t - sigma_s) e, so between any two
 * stored states the noise is a mean of what lies between, weighted by the differences of sigma:
 *   y_j = y_0 + sum_(i < j) (sigma_(i+1) - sigma_i) n_i
 * A target is such a mean, so it is off by no more than rounding one noise: 2^-11 of the largest in it, for transitions of
 * any stride and at any level. Were states stored instead, a target would take their rounding over a small difference
 * of levels. A state is off by at most 2^-11 (sqrt(aBar_t / aBar_0) |x_0| + sqrt(1 - aBar_t) max |n|).
 */
import { floatToHalf, HALF_VALUES } from '../../engine/half.ts';

const sigmaOf = (level: number) => Math.sqrt(1 / level - 1);

/** @param states the image first, as many values each; @param levels aBar of each, not rising */
export function encodeTrajectory(states: readonly Float32Array[], levels: readonly number[]): Uint16Array {
  const size = states[0]!.length;
  const code = new Uint16Array(states.length * size);
  for (let i = 0; i < size; i++) code[i] = floatToHalf(states[0]![i]!);
  for (let s = 1; s < states.length; s++) {
    const [from, to] = [states[s - 1]!, states[s]!];
    const [fromScale, toScale] = [1 / Math.sqrt(levels[s - 1]!), 1 / Math.sqrt(levels[s]!)];
    const rise = sigmaOf(levels[s]!) - sigmaOf(levels[s - 1]!);
    // A step between equal levels moves nothing.
    const perRise = rise === 0 ? 0 : 1 / rise;
    for (let i = 0; i < size; i++)
      code[s * size + i] = floatToHalf((to[i]! * toScale - from[i]! * fromScale) * perRise);
  }
  return code;
}

/** State `index` out of the code of the states up to it. */
export function decodeState(code: Uint16Array, levels: readonly number[], index: number): Float32Array {
  const size = code.length / (index + 1);
  const y = new Float64Array(size);
  const scale = 1 / Math.sqrt(levels[0]!);
  for (let i = 0; i < size; i++) y[i] = HALF_VALUES[code[i]!]! * scale;
  for (let s = 1; s <= index; s++) {
    const rise = sigmaOf(levels[s]!) - sigmaOf(levels[s - 1]!);
    for (let i = 0; i < size; i++) y[i]! += rise * HALF_VALUES[code[s * size + i]!]!;
  }
  const signal = Math.sqrt(levels[index]!);
  const state = new Float32Array(size);
  for (let i = 0; i < size; i++) state[i] = y[i]! * signal;
  return state;
}

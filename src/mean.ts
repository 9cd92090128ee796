/** The arithmetic mean; NaN of nothing. */
export const mean = (values: readonly number[] | Float32Array): number =>
  (values as readonly number[]).reduce((sum, x) => sum + x, 0) / values.length;

/** The 97.5% point of the standard normal distribution. */
const Z = 1.959963984540054;

/**
 * 95% interval of a share of `count` (Wilson 1927, Probable inference, the law of succession, and statistical inference).
 * It stays within 0 and 1 and has a width where the share is 0 or 1. For a mean of values between 0 and 1 it is too wide
 * rather than too narrow: theirs is the smaller variance. Without any the interval is all of 0 to 1.
 */
export function wilsonInterval(share: number, count: number): [low: number, high: number] {
  if (count === 0) return [0, 1];
  const square = Z ** 2 / count;
  const centre = (share + square / 2) / (1 + square);
  const half = (Z * Math.sqrt((share * (1 - share)) / count + square / (4 * count))) / (1 + square);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

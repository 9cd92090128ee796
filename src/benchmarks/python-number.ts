/** Numbers as the benchmarks' Python prints them: 1.0, 0.3333333333333333, 1e-05, nan. */
export function pythonNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string];
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

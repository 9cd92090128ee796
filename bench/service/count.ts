/** `--count=N` makes a bench smaller, for a try. */
export function countOr(full: number): number {
  const given = process.argv.find((argument) => argument.startsWith('--count='));
  if (given === undefined) return full;
  const count = Number(given.slice('--count='.length));
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new Error(`${given} is no number of things; give --count=10000 or the like`);
}

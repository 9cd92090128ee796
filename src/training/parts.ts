/** A list cut into so many parts of the same length, which must divide it. */
export function parts<T>(list: readonly T[], count: number): T[][] {
  const size = list.length / count;
  return Array.from({ length: count }, (_, i) => list.slice(i * size, (i + 1) * size));
}

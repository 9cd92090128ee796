/** Curves that were asked for last are kept ready: a page that asks again costs the lines that were added meanwhile. */
import { type CurveOptions, type Curves, curveReader } from '../training/curves.ts';

/** As many as the training page lays over each other, and some of another page. */
const KEPT = 8;

export function keptCurves(): (trainFolder: string, options: CurveOptions) => Promise<Curves> {
  const readers = new Map<string, () => Promise<Curves>>();
  return (trainFolder, { maxPoints, buckets }) => {
    const key = `${maxPoints} ${buckets} ${trainFolder}`;
    const read = readers.get(key) ?? curveReader(trainFolder, { maxPoints, buckets });
    readers.delete(key);
    readers.set(key, read);
    if (readers.size > KEPT) readers.delete(readers.keys().next().value!);
    return read();
  };
}

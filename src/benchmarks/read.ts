/** A benchmark's file as annotations: all of it, or none and the reason. */
import type { Annotation } from '../annotations/annotation.ts';
import type { T2iCategory } from '../annotations/benchmark.ts';
import { DiptychError } from '../errors.ts';
import { benchText } from './bench-text.ts';
import { readDpgCsv } from './dpg-csv.ts';
import { readT2iPrompts } from './t2i-prompts.ts';

export const BENCHMARK_FORMATS = ['dpg-bench', 't2i-compbench'] as const;
export type BenchmarkFormat = (typeof BENCHMARK_FORMATS)[number];

/**
 * `category` is of T2I-CompBench's files alone, which don't name it. Throws DIPTYCH_INVALID_INPUT where it is missing or
 * too much, DIPTYCH_BAD_FILE for a file that is wrong anywhere.
 */
export async function readBenchmark(
  body: AsyncIterable<Uint8Array>,
  { format, category }: { format: BenchmarkFormat; category?: T2iCategory | undefined },
): Promise<Annotation[]> {
  if ((format === 't2i-compbench') !== (category !== undefined)) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `category is ${category === undefined ? 'missing' : `"${category}"`}; "t2i-compbench" needs one, "dpg-bench" has none`,
    );
  }
  const text = await benchText(body);
  return category === undefined ? readDpgCsv(text) : readT2iPrompts(text, category);
}

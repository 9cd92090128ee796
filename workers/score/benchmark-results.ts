/** Writes the result files of DPG-Bench and T2I-CompBench for the images of their prompts. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { T2iCategory } from '../../src/annotations/benchmark.ts';
import { type DpgImage, type DpgPromptImages, dpgResults } from '../../src/benchmarks/dpg-results.ts';
import { type T2iImage, t2iResults } from '../../src/benchmarks/t2i-results.ts';
import { writeWhole } from '../../src/export/sink.ts';
import type { ScoringMode } from '../../src/scoring/metric.ts';
import { benchmarkCandidates } from '../../src/store/benchmarks.ts';
import type { Variant } from '../../src/store/candidates.ts';
import type { Tools } from '../process.ts';

/** Files by the names of their artifacts; none where the run has no benchmark prompt. */
export async function writeBenchmarkResults(
  { store, places }: Pick<Tools, 'store' | 'places'>,
  runId: string,
  variants: readonly Variant[],
  mode: ScoringMode,
): Promise<Record<string, string>> {
  const written: Record<string, string> = {};
  for (const variant of variants) {
    for (const [name, content] of Object.entries(await resultsOf(store, runId, variant, mode))) {
      const file = path.join(places.runFolder(runId), name);
      await mkdir(path.dirname(file), { recursive: true });
      writeWhole(file, content);
      written[name] = file;
    }
  }
  return written;
}

async function resultsOf(
  store: Tools['store'],
  runId: string,
  variant: Variant,
  mode: ScoringMode,
): Promise<Record<string, string>> {
  const dpg = new Map<string, DpgPromptImages & { images: DpgImage[] }>();
  const t2i = new Map<T2iCategory, T2iImage[]>();
  for await (const candidate of benchmarkCandidates(store, runId, variant)) {
    const { imgId, slot, width: side, benchmark, scores } = candidate;
    if (benchmark.name === 't2i-compbench') {
      const images = t2i.get(benchmark.category) ?? [];
      t2i.set(benchmark.category, images);
      images.push({ prompt: benchmark.prompt, scores });
    } else if (candidate.dpg) {
      const prompt = dpg.get(imgId) ?? {
        itemId: imgId,
        unreadFirst: benchmark.unread_first ?? false,
        images: [],
      };
      dpg.set(imgId, prompt);
      prompt.images.push({ slot, side, questions: candidate.dpg.questions as DpgImage['questions'] });
    }
  }
  const files: Record<string, string> = {};
  const add = (folder: string, results: Record<string, string>) => {
    for (const [name, content] of Object.entries(results)) files[`${folder}/${name}`] = content;
  };
  if (dpg.size > 0) add(`dpg-bench/${variant}`, dpgResults([...dpg.values()], `dpg-bench/${variant}`, mode));
  for (const [category, images] of t2i) {
    add(`t2i-compbench/${variant}/${category}`, t2iResults(category, images));
  }
  return files;
}

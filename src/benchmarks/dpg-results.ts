/**
 * The two files that DPG-Bench's compute_dpg_bench.py writes (TencentQQGYLab/ELLA): a line per prompt with the score of
 * each of its images and their mean, then the means by category; and every answer.
 */
import { mean } from '../mean.ts';
import { applyDependencies } from '../scoring/dpg.ts';
import { type DpgQuestion, dpgCategory } from '../scoring/dpg-questions.ts';
import type { ScoringMode } from '../scoring/metric.ts';
import { pythonNumber } from './python-number.ts';

export interface DpgImage {
  /** The published code cuts a prompt's images out of a grid of two columns; here each is one, of this side. */
  slot: number;
  side: number;
  questions: readonly (DpgQuestion & { answer: string })[];
}

export interface DpgPromptImages {
  itemId: string;
  /** Its first question stood in the CSV's first row. */
  unreadFirst: boolean;
  images: readonly DpgImage[];
}

/** Names of the files are those of `--res-path dpg-bench_results.txt`. */
export const DPG_RESULTS = 'dpg-bench_results.txt';
export const DPG_DETAIL = 'dpg-bench_results_detail.txt';

/**
 * Category scores are means of the raw answers. `compat` takes them from a prompt's last image alone and does not know
 * the CSV's first question: a prompt with questions that depend on it fails and is left out, as it is there.
 *
 * @param folder the images' place in the lines; its last part names the model
 */
export function dpgResults(
  prompts: readonly DpgPromptImages[],
  folder: string,
  mode: ScoringMode,
): Record<typeof DPG_RESULTS | typeof DPG_DETAIL, string> {
  const lines: string[] = [];
  const details: string[] = [];
  const averages: number[] = [];
  const categories = new Map<string, number[]>();

  for (const { itemId, unreadFirst, images } of prompts) {
    const file = `${folder}/${itemId}.png`;
    const scores: number[] = [];
    let answers: (readonly [category: string, answer: number])[] = [];
    for (const { slot, side, questions: all } of images) {
      const questions = mode === 'compat' && unreadFirst ? all.slice(1) : all;
      const crop = [slot % 2, Math.floor(slot / 2), (slot % 2) + 1, Math.floor(slot / 2) + 1];
      const place = `(${crop.map((n) => n * side).join(', ')})`;
      details.push(...questions.map(({ question, answer }) => `${file}, ${place}, ${question}, ${answer}`));
      const ids = new Set(questions.map(({ id }) => id));
      if (questions.some(({ dependencies }) => dependencies.some((id) => !ids.has(id)))) break;
      const raw = questions.map(({ answer }) => (answer === 'yes' ? 1 : 0));
      scores.push(mean(applyDependencies(questions, raw)));
      const ofImage = questions.map(({ tuple }, i) => [dpgCategory(tuple).detailed, raw[i]!] as const);
      answers = mode === 'compat' ? ofImage : [...answers, ...ofImage];
    }
    if (scores.length === 0) continue;
    averages.push(mean(scores));
    lines.push([file, ...scores.map(pythonNumber), pythonNumber(averages.at(-1)!)].join(', '));
    for (const [category, answer] of answers) {
      const known = categories.get(category);
      if (known) known.push(answer);
      else categories.set(category, [answer]);
    }
  }

  const broad = Map.groupBy(categories, ([category]) => dpgCategory(category).broad);
  const percent = (values: readonly number[]) => pythonNumber(mean(values) * 100);
  const byName = <T>(groups: Iterable<[string, T]>) => [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  const summary = [
    `Model: ${folder.split('/').at(-1)}`,
    'L1 category scores:',
    ...byName(broad).map(([name, of]) => `\t${name}: ${percent(of.flatMap(([, values]) => values))}`),
    'L2 category scores:',
    ...byName(categories).map(([name, values]) => `\t${name}: ${percent(values)}`),
    `Image path: ${folder}`,
    `Save results to: ${DPG_RESULTS}`,
    `DPG-Bench score: ${percent(averages)}`,
  ];
  const text = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');
  return { [DPG_RESULTS]: text([...lines, ...summary]), [DPG_DETAIL]: text(details) } as const;
}

/** DPG-Bench's score of one image: the mean over its questions, each 0 while a question it depends on is 0. */
import { mean } from '../mean.ts';
import { dpgQuestions } from './dpg-questions.ts';
import { type Metric, measureEach } from './metric.ts';

/**
 * fixed and compat differ between images, not within one (the published code skips its first row and takes
 * category scores from the last crop only): see `dpgCategories`.
 */
export const dpg: Metric = {
  name: 'dpg',
  version: '1',
  score: (subjects, { answerer }) =>
    measureEach(subjects, async ({ annotation, image }) => {
      const questions = dpgQuestions(annotation);
      const answers = await answerer.answer(
        image,
        questions.map(({ question }) => question),
      );
      const raw = answers.map(({ answer }) => (answer === 'yes' ? 1 : 0));
      const counted = applyDependencies(questions, raw);
      const evidence = {
        answerer: answerer.name,
        questions: questions.map((question, i) => ({ ...question, ...answers[i]!, counted: counted[i]! })),
      };
      return { value: mean(counted), evidence };
    }),
};

/** In the order of the questions, so that a zero travels down a chain whose parents come first. */
export function applyDependencies(
  questions: readonly { id: number; dependencies: readonly number[] }[],
  raw: readonly number[],
): number[] {
  const scores = new Map(questions.map(({ id }, i) => [id, raw[i]!]));
  for (const { id, dependencies } of questions) {
    if (dependencies.some((parent) => scores.get(parent) === 0)) scores.set(id, 0);
  }
  return questions.map(({ id }) => scores.get(id)!);
}

export interface DpgEvidence {
  questions: { category: string; answer: string }[];
}

/**
 * Category scores of one prompt's images: means of the raw answers. `fixed` takes all images, `compat` only
 * the last one, as the published code does.
 */
export function dpgCategories(
  images: readonly DpgEvidence[],
  mode: 'fixed' | 'compat',
): Record<string, number> {
  const answers = new Map<string, number[]>();
  for (const { questions } of mode === 'compat' ? images.slice(-1) : images) {
    for (const { category, answer } of questions) {
      answers.set(category, [...(answers.get(category) ?? []), answer === 'yes' ? 1 : 0]);
    }
  }
  return Object.fromEntries([...answers].map(([category, values]) => [category, mean(values)]));
}

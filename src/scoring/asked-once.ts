/** Several metrics ask the same question about an image: it is answered once. */
import type { RgbImage } from '../engine/image.ts';
import type { Answer, VisualQuestionAnswerer } from './ports.ts';

/** `answerer`, which remembers its answers about an image for as long as the image itself is held. */
export function askedOnce(answerer: VisualQuestionAnswerer): VisualQuestionAnswerer {
  const known = new WeakMap<RgbImage, Map<string, Promise<Answer>>>();
  return {
    name: answerer.name,
    answer(image, questions) {
      const answers = known.get(image) ?? new Map<string, Promise<Answer>>();
      known.set(image, answers);
      const open = [...new Set(questions)].filter((question) => !answers.has(question));
      if (open.length > 0) {
        const asked = answerer.answer(image, open);
        for (const [i, question] of open.entries()) {
          answers.set(
            question,
            asked.then((all) => all[i]!),
          );
        }
      }
      return Promise.all(questions.map((question) => answers.get(question)!));
    },
  };
}

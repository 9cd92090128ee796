/** BLIP behind the VisualQuestionAnswerer port, as T2I-CompBench asks it (Karine-Huang/T2I-CompBench: BLIPvqa_eval). */
import type { Engine, Tensor } from '../engine/engine.ts';
import {
  blipAnswerLogits,
  blipImageStates,
  blipQuestionStates,
  yesProbability,
} from '../models/blip/blip-vqa.ts';
import type { BlipVqaModel } from '../models/folders/scorer-folders.ts';
import { preparedPixels } from '../models/preprocess/clip-preprocess.ts';
import { padRows } from '../models/tokenizers/bert-tokenizer.ts';
import { oncePerImage } from './once-per-image.ts';
import type { VisualQuestionAnswerer } from './ports.ts';

/** Questions at once, so that memory is bounded however many there are. */
const BATCH = 32;
/** A question is cut after so many words, and after so many tokens. */
const [MOST_WORDS, MOST_TOKENS] = [50, 35];

/**
 * P(yes) is taken from the first word of the answer and against P(no) alone; the answer is the likelier of the two,
 * where BLIP itself might have answered with another word. An image counts in the size of the model's folder, which
 * is 384 pixels in Salesforce/blip-vqa-base and 480 in the benchmark.
 */
export function blipAnswerer(engine: Engine, model: BlipVqaModel): VisualQuestionAnswerer {
  const { tf } = engine;
  const { config, weights, tokenizer, preprocessor } = model;
  const statesOf = oncePerImage(engine, (image) =>
    blipImageStates(engine, config, weights, preparedPixels(tf, preprocessor, [image])),
  );

  function probabilities(states: Tensor, questions: readonly string[]): Tensor {
    const rows = questions.map((question) => {
      // Its first id is [CLS], which BLIP's own code replaces.
      const [, ...tokens] = tokenizer.encode(asAsked(question), MOST_TOKENS);
      return [config.encId, ...tokens];
    });
    const { ids, attended } = padRows(tokenizer, rows);
    const asked = blipQuestionStates(engine, config, weights, states, ids, attended);
    const start = questions.map(() => [config.bosId]);
    const logits = blipAnswerLogits(engine, config, weights, asked, start, attended);
    const first = logits.reshape([questions.length, config.text.vocabSize]) as Tensor;
    return yesProbability(engine, first, model.yesId, model.noId);
  }

  return {
    name: `blip-vqa@${model.hash.slice(0, 12)}`,
    async answer(image, questions) {
      const yes: number[] = [];
      for (let i = 0; i < questions.length; i += BATCH) {
        const batch = questions.slice(i, i + BATCH);
        yes.push(...tf.tidy(() => probabilities(statesOf(image), batch).dataSync()));
      }
      return yes.map((p) => ({ answer: p > 0.5 ? 'yes' : 'no', yes: p }));
    },
  };
}

/** BLIP's pre_question: lower case, without some punctuation, at most so many words. */
function asAsked(question: string): string {
  const plain = question.toLowerCase().replace(/[.!"()*#:;~]/g, '');
  return plain.replace(/ +$/, '').split(' ').slice(0, MOST_WORDS).join(' ');
}

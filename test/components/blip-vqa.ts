/** BlipForQuestionAnswering: states, answer logits and P(yes) with both mask conventions, and a longer answer. */
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { disposeWeights } from '../../src/engine/weights.ts';
import { loadBlipWeights } from '../../src/models/blip/blip-vision.ts';
import {
  blipAnswerLogits,
  blipImageStates,
  blipQuestionStates,
  blipVqaParameters,
  parseBlipVqaConfig,
  yesProbability,
} from '../../src/models/blip/blip-vqa.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, readJson, rows, toNhwc, values } from './tensors.ts';

async function blipVqa(golden: GoldenCase): Promise<void> {
  const config = parseBlipVqaConfig(readJson(golden.folder, 'model', 'config.json'));
  const file = path.join(golden.folder, 'model', 'model.safetensors');
  const weights = await loadBlipWeights(engine, file, blipVqaParameters(config));
  const { yes_id: yes, no_id: no, bos_id: bos } = golden.json;
  const [ids, attended] = [rows(golden.input.input_ids!), rows(golden.input.attention_mask!)];
  const image = blipImageStates(engine, config, weights, toNhwc(golden.input.pixel_values!));
  golden.check('image_embeds', values(image));
  const question = blipQuestionStates(engine, config, weights, image, ids, attended);
  golden.check('question_embeds', values(question));
  // A transformers that drops the mask on its way to the decoder records the same values twice.
  const { logits, logits_ones: seesPadding } = golden.output;
  const mask = isDeepStrictEqual(logits!.data, seesPadding!.data) ? undefined : attended;
  for (const [suffix, seen] of [
    ['', mask],
    ['_ones', undefined],
  ] as const) {
    const start = ids.map(() => [bos as number]);
    const answer = blipAnswerLogits(engine, config, weights, question, start, seen);
    const first = answer.reshape([ids.length, config.text.vocabSize]);
    golden.check(`logits${suffix}`, values(first));
    golden.check(`p_yes${suffix}`, values(yesProbability(engine, first, yes, no)));
  }
  const longer = rows(golden.input.decoder_input_ids!);
  golden.check('logits_seq', values(blipAnswerLogits(engine, config, weights, question, longer, mask)));
  disposeWeights(weights);
}

export const components: Record<string, ComponentCheck> = { 'BLIP VQA': blipVqa };

/** Whole text-to-image folders: ids, text conditions, every state of the sampling, the decoded image. */
import path from 'node:path';
import { sampleStep } from '../../src/diffusion/ddim.ts';
import { guidedPredictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import { gridStep, parseSchedule, samplingTimesteps } from '../../src/diffusion/schedule.ts';
import type { Tensor } from '../../src/engine/engine.ts';
import { fromLatents } from '../../src/models/latents.ts';
import { loadDiffusionModel } from '../../src/models/model-folder.ts';
import { textPrompt } from '../../src/models/prompt.ts';
import { encodeEmpty, encodePrompts } from '../../src/models/text-condition.ts';
import type { TextCondition } from '../../src/models/unet.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, fromNhwc, toNhwc, values } from './tensors.ts';

const { tf } = engine;

async function pipeline(golden: GoldenCase): Promise<void> {
  const model = await loadDiffusionModel(engine, path.join(golden.folder, 'model'));
  const { steps, guidance_scale: guidance, prompt: text, other_negative_prompt: otherText } = golden.json;
  golden.exact('side', model.imageSide, golden.json.height);
  for (const [i, { tokenizer }] of model.texts.entries()) {
    const name = i === 0 ? 'ids.tokenizer' : 'ids.tokenizer_2';
    golden.exact(name, tokenizer.encode(text), [...golden.output[name]!.data]);
  }
  const prompt = encodePrompts(engine, model, [textPrompt(text)]);
  const empty = encodeEmpty(engine, model);
  golden.check('prompt_embeds', values(prompt.states));
  golden.check('negative_prompt_embeds', values(empty.states));
  if (prompt.added && empty.added) {
    golden.check('pooled', values(prompt.added.textEmbeds));
    golden.check('negative_pooled', values(empty.added.textEmbeds));
  }

  const schedule = parseSchedule(model.scheduler);
  const { config, weights } = model.unet;
  const noise = toNhwc(golden.input.latents!);
  const predictor = (from: TextCondition) =>
    guidedPredictor(engine, config, weights, { prompt, empty: from }, guidance);
  const timesteps = samplingTimesteps(schedule, steps);
  golden.exact('timesteps', timesteps, [...golden.output.timesteps!.data]);
  const states: Tensor[] = [];
  for (const t of timesteps) {
    const x = states.at(-1) ?? noise;
    states.push(tf.tidy(() => sampleStep(schedule, x, predictor(empty)(x, t), t, gridStep(schedule, steps))));
  }
  golden.check('states', tf.stack(states).transpose([0, 1, 4, 2, 3]).dataSync());
  const latents = sample(engine, schedule, predictor(empty), noise, steps);
  golden.check('latents', fromNhwc(latents));
  const other = encodePrompts(engine, model, [textPrompt(otherText)]);
  golden.check('latents_other_negative', fromNhwc(sample(engine, schedule, predictor(other), noise, steps)));

  const decoded = fromLatents(engine, model, latents);
  golden.check('decoded', fromNhwc(decoded));
  golden.check('image', fromNhwc(decoded.div(2).add(0.5).clipByValue(0, 1)));
  model.dispose();
}

export const components: Record<string, ComponentCheck> = {
  'Stable Diffusion, end to end': pipeline,
  'Stable Diffusion XL, end to end': pipeline,
};

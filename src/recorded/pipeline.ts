/** A whole text-to-image folder: ids, text conditions, every state of the sampling, the decoded image. */
import { sampleStep } from '../diffusion/ddim.ts';
import { guidedPredictor } from '../diffusion/predictor.ts';
import { sample } from '../diffusion/sample.ts';
import { gridStep, parseSchedule, samplingTimesteps } from '../diffusion/schedule.ts';
import type { Engine, Tensor } from '../engine/engine.ts';
import { loadDiffusionModel } from '../models/folders/model-folder.ts';
import { fromLatents } from '../models/inputs/latents.ts';
import { textPrompt } from '../models/inputs/prompt.ts';
import { encodeEmpty, encodePrompts } from '../models/inputs/text-condition.ts';
import type { TextCondition } from '../models/unet/unet.ts';
import type { RecordedCase } from './case.ts';
import { fromNhwc, toNhwc } from './tensors.ts';

export async function checkPipeline(engine: Engine, recorded: RecordedCase, folder: string): Promise<void> {
  const { tf } = engine;
  const model = await loadDiffusionModel(engine, folder);
  const { steps, guidance_scale: guidance, prompt: text, other_negative_prompt: otherText } = recorded.json;
  const noise = toNhwc(engine, recorded.given('latents'));
  recorded.exact('side', model.imageSide, recorded.json.height);
  for (const [i, { tokenizer }] of model.texts.entries()) {
    const name = i === 0 ? 'ids.tokenizer' : 'ids.tokenizer_2';
    recorded.exactly(name, tokenizer.encode(text));
  }
  const prompt = encodePrompts(engine, model, [textPrompt(text)]);
  const empty = encodeEmpty(engine, model);
  recorded.check('prompt_embeds', prompt.states.dataSync());
  recorded.check('negative_prompt_embeds', empty.states.dataSync());
  if (prompt.added && empty.added) {
    recorded.check('pooled', prompt.added.textEmbeds.dataSync());
    recorded.check('negative_pooled', empty.added.textEmbeds.dataSync());
  }

  const schedule = parseSchedule(model.scheduler);
  const { config, weights } = model.unet;
  const predictor = (from: TextCondition) =>
    guidedPredictor(engine, config, weights, { prompt, empty: from }, guidance);
  const timesteps = samplingTimesteps(schedule, steps);
  recorded.exactly('timesteps', timesteps);
  const states: Tensor[] = [];
  for (const t of timesteps) {
    const x = states.at(-1) ?? noise;
    states.push(tf.tidy(() => sampleStep(schedule, x, predictor(empty)(x, t), t, gridStep(schedule, steps))));
  }
  recorded.check('states', tf.stack(states).transpose([0, 1, 4, 2, 3]).dataSync());
  const latents = sample(engine, schedule, predictor(empty), noise, steps);
  recorded.check('latents', fromNhwc(latents));
  if (otherText !== undefined) {
    const other = sample(
      engine,
      schedule,
      predictor(encodePrompts(engine, model, [textPrompt(otherText)])),
      noise,
      steps,
    );
    recorded.check('latents_other_negative', fromNhwc(other));
  }
  const decoded = fromLatents(engine, model, latents);
  recorded.check('decoded', fromNhwc(decoded));
  recorded.check('image', fromNhwc(decoded.div(2).add(0.5).clipByValue(0, 1)));
  model.dispose();
}

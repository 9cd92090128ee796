/** AUTOMATIC1111's web UI, started with --api, and the servers that speak the same (Forge, SD.Next). */
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import type { ImageGenerator } from '../diffusion/image-generator.ts';
import { below, openHttp } from './http.ts';
import {
  failed,
  MAX_IMAGE_BYTES,
  oneByOne,
  type RemoteGeneratorOptions,
  receivedImage,
} from './one-by-one.ts';

export interface Automatic1111Options extends RemoteGeneratorOptions {
  negativePrompt: string;
  sampler: string;
  steps: number;
  guidance: number;
}

const Answer = Type.Object({
  images: Type.Array(Type.String(), { minItems: 1 }),
  info: Type.Optional(Type.String()),
});
const Info = Type.Object({ seed: Type.Integer() });

export function automatic1111(options: Automatic1111Options): ImageGenerator {
  const { baseUrl, model, width, height } = options;
  const http = openHttp({ ...options, maxBytes: MAX_IMAGE_BYTES });
  const url = below(baseUrl, '/sdapi/v1/txt2img');
  return oneByOne(
    `${model ?? 'automatic1111'}@${new URL(baseUrl).host}`,
    async ({ prompt, seed }, signal) => {
      const body = {
        prompt,
        negative_prompt: options.negativePrompt,
        seed,
        steps: options.steps,
        cfg_scale: options.guidance,
        width,
        height,
        sampler_name: options.sampler,
        batch_size: 1,
        n_iter: 1,
        ...(model === undefined ? {} : { override_settings: { sd_model_checkpoint: model } }),
      };
      const answer = await http.postJson(url, body, signal);
      if (!Check(Answer, answer)) throw failed(`the server's answer has no image: ${quote(answer)}`);
      const used = seedOf(answer.info);
      if (used !== undefined && used !== seed) {
        throw failed(
          `the server used seed ${used} when asked for ${seed}; switch off what changes seeds there`,
        );
      }
      const base64 = answer.images[0]!.replace(/^data:[^,]*,/, '');
      return receivedImage(Buffer.from(base64, 'base64'), options);
    },
  );
}

/** Of the JSON in a string that tells how the image was made; servers that only resemble the original leave it out. */
function seedOf(info: string | undefined): number | undefined {
  try {
    const told: unknown = JSON.parse(info ?? '');
    return Check(Info, told) ? told.seed : undefined;
  } catch {
    return undefined;
  }
}

const quote = (answer: unknown) => JSON.stringify(answer).slice(0, 200);

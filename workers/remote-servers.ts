/** Servers that run settings name, with the credentials that only the environment holds. */
import type { GeneratorSettings, RunSettings, VisionSettings } from '../pipelines/settings.ts';
import type { ImageGenerator } from '../src/diffusion/image-generator.ts';
import { folderAnswerCache } from '../src/remote/answer-cache.ts';
import { automatic1111 } from '../src/remote/automatic1111.ts';
import type { Auth } from '../src/remote/http.ts';
import { openaiImages } from '../src/remote/openai-images.ts';
import { visionAnswerer } from '../src/remote/vision-questions.ts';
import type { VisualQuestionAnswerer } from '../src/scoring/ports.ts';

export function remoteGenerator(
  settings: GeneratorSettings,
  { steps, guidance }: RunSettings['sampling'],
): ImageGenerator {
  const { api, url: baseUrl, timeoutSeconds, ...rest } = settings;
  const common = { ...rest, baseUrl, timeoutMs: 1000 * timeoutSeconds, auth: generatorAuth() };
  switch (api) {
    case 'automatic1111':
      return automatic1111({ ...common, steps, guidance });
    case 'openai-images':
      return openaiImages(common);
  }
}

/** `answers`: the folder where answers are kept. `signal` ends all questions. */
export function remoteAnswerer(
  settings: VisionSettings,
  answers: string,
  signal?: AbortSignal,
): VisualQuestionAnswerer {
  const { url: baseUrl, timeoutSeconds, ...rest } = settings;
  return visionAnswerer({
    ...rest,
    baseUrl,
    timeoutMs: 1000 * timeoutSeconds,
    apiKey: process.env.DIPTYCH_VISION_API_KEY,
    cache: folderAnswerCache(answers),
    signal,
  });
}

/** A key where there is one, else "user:password". */
function generatorAuth(): Auth | undefined {
  const { DIPTYCH_GENERATOR_API_KEY: bearer, DIPTYCH_GENERATOR_USER: basic } = process.env;
  if (bearer) return { bearer };
  return basic ? { basic } : undefined;
}

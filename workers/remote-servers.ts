/**
 * Servers that run settings name, with the credentials that only the environment holds. A credential goes to the
 * server that it was set for and to no other, whatever a run names.
 */
import type { GeneratorSettings, RunSettings, VisionSettings } from '../pipelines/settings.ts';
import type { ImageGenerator } from '../src/diffusion/image-generator.ts';
import { DiptychError } from '../src/errors.ts';
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
  const common = { ...rest, baseUrl, timeoutMs: 1000 * timeoutSeconds, auth: generatorAuth(baseUrl) };
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
    apiKey: meantFor(baseUrl, 'DIPTYCH_VISION_URL', 'DIPTYCH_VISION_API_KEY'),
    cache: folderAnswerCache(answers),
    signal,
  });
}

/** A key where there is one, else "user:password". */
function generatorAuth(url: string): Auth | undefined {
  const bearer = meantFor(url, 'DIPTYCH_GENERATOR_URL', 'DIPTYCH_GENERATOR_API_KEY');
  if (bearer) return { bearer };
  const basic = meantFor(url, 'DIPTYCH_GENERATOR_URL', 'DIPTYCH_GENERATOR_USER');
  return basic ? { basic } : undefined;
}

/** The credential, where `url` is of its server. Throws DIPTYCH_INVALID_INPUT when nobody said which that is. */
function meantFor(url: string, server: string, credential: string): string | undefined {
  const secret = process.env[credential];
  if (!secret) return undefined;
  const its = URL.parse(process.env[server] ?? '');
  if (!its) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `${credential} is set, but ${server} is "${process.env[server] ?? ''}"; set it to the URL of the server that the credential is for`,
    );
  }
  return new URL(url).origin === its.origin ? secret : undefined;
}

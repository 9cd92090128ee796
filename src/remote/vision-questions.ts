/** Yes/no questions about images, put to any server with OpenAI's chat completions. */
import { createHash } from 'node:crypto';
import { encodePng } from '../engine/png.ts';
import { DiptychError } from '../errors.ts';
import type { Answer, VisualQuestionAnswerer } from '../scoring/ports.ts';
import type { AnswerCache } from './answer-cache.ts';
import { type Auth, below, type Clock, openHttp } from './http.ts';
import { optionalFields } from './optional-fields.ts';
import { readYesNo } from './yes-no.ts';

export interface VisionOptions {
  /** With the version: https://api.openai.com/v1. */
  baseUrl: string;
  model: string;
  apiKey?: string;
  /** Questions at once, over all images. */
  concurrency: number;
  /** Per try. */
  timeoutMs: number;
  tries: number;
  cache: AnswerCache;
  /** Ends all questions, with its reason. */
  signal?: AbortSignal;
  clock?: Clock;
}

/** A change of the request that could change an answer raises it: it is part of the cache's keys. */
const PROMPT_VERSION = '1';
const MAX_ANSWER_BYTES = 1024 * 1024;

/** What newer OpenAI models and older servers refuse; without max_tokens an answer is only longer. */
const OPTIONAL = [['logprobs', 'top_logprobs'], ['max_tokens'], ['temperature']];

/**
 * One request per question. A question that fails for good, or whose answer is neither yes nor no, fails its image:
 * `answer` then throws DIPTYCH_ITEM_FAILED and asks nothing more about it. Other images are not concerned.
 */
export function visionAnswerer(options: VisionOptions): VisualQuestionAnswerer {
  const { baseUrl, model, apiKey, cache, signal } = options;
  const auth: Auth | undefined = apiKey ? { bearer: apiKey } : undefined;
  const post = optionalFields(openHttp({ ...options, auth, maxBytes: MAX_ANSWER_BYTES }), OPTIONAL);
  const url = below(baseUrl, '/chat/completions');
  const name = `${model}@${new URL(baseUrl).host}`;

  async function ask(imageUrl: string, question: string, stop: AbortSignal): Promise<Answer> {
    const { answer, text } = readYesNo(await post(url, request(model, imageUrl, question), stop));
    if (answer) return answer;
    throw new DiptychError(
      'DIPTYCH_ITEM_FAILED',
      `${name} answered ${JSON.stringify(text.slice(0, 200))} to "${question}", neither yes nor no; ` +
        'if it often does, use a model that answers such questions',
    );
  }

  return {
    name,
    async answer(image, questions) {
      const png = await encodePng(image);
      const imageHash = sha256(png);
      const imageUrl = `data:image/png;base64,${png.toString('base64')}`;
      const failed = new AbortController();
      const stop = AbortSignal.any([failed.signal, ...(signal ? [signal] : [])]);
      const answers = new Map<string, Promise<Answer>>();
      for (const question of new Set(questions)) {
        const key = sha256(JSON.stringify([baseUrl, model, PROMPT_VERSION, imageHash, question]));
        answers.set(
          question,
          cached(cache, key, () => ask(imageUrl, question, stop)),
        );
      }
      try {
        return await Promise.all(questions.map((question) => answers.get(question)!));
      } catch (thrown) {
        failed.abort(thrown);
        throw thrown;
      }
    },
  };
}

async function cached(cache: AnswerCache, key: string, ask: () => Promise<Answer>): Promise<Answer> {
  const known = await cache.get(key);
  if (known) return known;
  const answer = await ask();
  await cache.put(key, answer);
  return answer;
}

function request(model: string, imageUrl: string, question: string) {
  return {
    model,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: imageUrl } },
          { type: 'text', text: `${question} Answer with one word, yes or no.` },
        ],
      },
    ],
    temperature: 0,
    max_tokens: 8,
    logprobs: true,
    top_logprobs: 5,
  };
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

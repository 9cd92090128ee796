/**
 * OpenAI's image generations, and servers that speak the same. A seed is sent, since many of those servers take one;
 * OpenAI's own API has none, so images from there can't be made again.
 */
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
import { optionalFields } from './optional-fields.ts';

const Base64 = Type.Object({ b64_json: Type.String() });
const Address = Type.Object({ url: Type.String({ pattern: '^https?://' }) });
const Answer = Type.Object({ data: Type.Array(Type.Union([Base64, Address]), { minItems: 1 }) });

/** gpt-image models take no response_format: they always answer in base64. */
const OPTIONAL = [['response_format'], ['seed']];

export function openaiImages(options: RemoteGeneratorOptions): ImageGenerator {
  const { baseUrl, model, width, height } = options;
  const http = openHttp({ ...options, maxBytes: MAX_IMAGE_BYTES, own: new URL(baseUrl).origin });
  const post = optionalFields(http, OPTIONAL);
  const url = below(baseUrl, '/images/generations');
  return oneByOne(`${model ?? 'default'}@${new URL(baseUrl).host}`, async ({ prompt, seed }, signal) => {
    const size = `${width}x${height}`;
    const answer = await post(url, { model, prompt, n: 1, size, response_format: 'b64_json', seed }, signal);
    if (!Check(Answer, answer)) {
      throw failed(`the server's answer has no image: ${JSON.stringify(answer).slice(0, 200)}`);
    }
    const [item] = answer.data;
    const bytes =
      item && 'b64_json' in item
        ? Buffer.from(item.b64_json, 'base64')
        : await http.getBytes(item!.url, signal);
    return receivedImage(bytes, options);
  });
}

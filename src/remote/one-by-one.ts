/** What the remote generators share: a request per image, and what an image that arrives must be. */
import type { GeneratedImage, ImageGenerator, ImageRequest } from '../diffusion/image-generator.ts';
import type { RgbImage } from '../engine/image.ts';
import { decodeImage } from '../engine/png.ts';
import { DiptychError } from '../errors.ts';
import type { Auth, Clock } from './http.ts';

export interface RemoteGeneratorOptions {
  baseUrl: string;
  /** Absent: the server's own. */
  model?: string;
  width: number;
  height: number;
  auth?: Auth;
  /** Requests at once. */
  concurrency: number;
  /** Per try. */
  timeoutMs: number;
  tries: number;
  clock?: Clock;
}

/** Of an answer; a PNG of 4096 x 4096 pixels of noise is 67 MB in base64. */
export const MAX_IMAGE_BYTES = 96 * 1024 * 1024;
/** Of an image that is decoded at all. */
const MAX_PIXELS = 4096 * 4096;

/** Makes them side by side (`makeOne` holds back what is too much); what fails alone is told in its place. */
export function oneByOne(
  name: string,
  makeOne: (request: ImageRequest, signal?: AbortSignal) => Promise<RgbImage>,
): ImageGenerator {
  return {
    name,
    generate(requests, { signal, onProgress }) {
      let finished = 0;
      return Promise.all(
        requests.map(async (request): Promise<GeneratedImage> => {
          try {
            return { image: await makeOne(request, signal) };
          } catch (thrown) {
            if (!(thrown instanceof DiptychError && thrown.code === 'DIPTYCH_ITEM_FAILED')) throw thrown;
            return { failed: thrown.message };
          } finally {
            onProgress?.(++finished / requests.length);
          }
        }),
      );
    },
  };
}

/** Throws DIPTYCH_ITEM_FAILED unless the bytes are a PNG, JPEG or WebP of the asked size. */
export async function receivedImage(
  bytes: Uint8Array,
  { width, height }: Pick<RgbImage, 'width' | 'height'>,
): Promise<RgbImage> {
  const image = await decodeImage(bytes, MAX_PIXELS).catch((cause: DiptychError) => {
    throw failed(`the server sent ${cause.message}`);
  });
  if (image.width === width && image.height === height) return image;
  throw failed(
    `the server sent an image of ${image.width} x ${image.height} pixels when asked for ${width} x ${height}; ` +
      'ask for a size that its model makes',
  );
}

export const failed = (message: string) => new DiptychError('DIPTYCH_ITEM_FAILED', message);

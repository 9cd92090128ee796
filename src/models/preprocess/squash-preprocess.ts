/**
 * Images squashed to a square, whatever their shape: BLIP's and OWL-ViT's way (transformers BlipImageProcessor and
 * OwlViTImageProcessor with PIL, to the last byte; those on torchvision's tensors differ by a level here and there).
 */
import type { RgbImage } from '../../engine/image.ts';
import { resizeBicubic } from '../../engine/resize.ts';
import { refuseUnsupported } from '../layers/config-fields.ts';
import { type ImagePreprocessor, statisticsOf } from './clip-preprocess.ts';

/** Steps that both have, and PIL's number for bicubic. `rescale` is what early OWL-ViT folders call `do_rescale`. */
const ALWAYS = {
  do_resize: [true],
  resample: [3],
  do_center_crop: [false],
  do_rescale: [true],
  rescale: [true],
  do_normalize: [true],
};

/**
 * What a preprocessor_config.json says of a model for images of `side` pixels. Throws DIPTYCH_BAD_MODEL that quotes a
 * field which asks for anything but: both sides to `side`, bicubic, mean and deviation.
 */
export function parseSquashPreprocessor(
  name: string,
  json: Record<string, unknown>,
  side: number,
): ImagePreprocessor {
  const size = sideOf(json.size ?? side);
  refuseUnsupported(name, { ...json, size }, { ...ALWAYS, size: [side] });
  return { ...statisticsOf(name, json), side, frame: squash };
}

/** The side of a square, which newer configs write as an object, older ones as a pair or a number. */
function sideOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { height, width } = value as Record<string, unknown>;
  const [first, second] = Array.isArray(value) ? value : [height, width];
  return first === second ? (first ?? value) : value;
}

const squash = (image: RgbImage, side: number) => resizeBicubic(image, side, side);

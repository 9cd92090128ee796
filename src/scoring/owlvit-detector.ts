/** OWL-ViT behind the ObjectDetector port, read as transformers' post_process_object_detection reads it. */
import type { Engine } from '../engine/engine.ts';
import type { OwlVitModel } from '../models/folders/scorer-folders.ts';
import { owlVitDetections, owlVitPatches } from '../models/owlvit/owlvit.ts';
import { preparedPixels } from '../models/preprocess/clip-preprocess.ts';
import { oncePerImage } from './once-per-image.ts';
import type { Detection, ObjectDetector } from './ports.ts';

/** Boxes must be surer than this: transformers' default. */
const THRESHOLD = 0.1;

/**
 * T2I-CompBench detects with UniDet, which knows 722 labels, drops what it is less than half sure of and all but the
 * best of boxes that overlap. This one is asked in words ("a photo of a red cup", as transformers' documentation
 * asks), gives each of its boxes to the label that fits it best, and lets boxes overlap; its confidences are lower
 * than UniDet's, so that 2D spatial scores of the two can't be compared.
 */
export function owlVitDetector(engine: Engine, model: OwlVitModel): ObjectDetector {
  const { tf } = engine;
  const { config, weights, tokenizer, preprocessor } = model;
  const patchesOf = oncePerImage(engine, (image) =>
    owlVitPatches(engine, config, weights, preparedPixels(tf, preprocessor, [image])),
  );
  return {
    name: `owlvit@${model.hash.slice(0, 12)}`,
    async detect(image, labels) {
      const ids = labels.map((label) => tokenizer.encode(`a photo of a ${label}`));
      const attended = ids.map((row) => row.map((_, i) => (i <= row.indexOf(tokenizer.eosId) ? 1 : 0)));
      const [logits, boxes] = tf.tidy(() => {
        const found = owlVitDetections(engine, config, weights, patchesOf(image), { ids, attended });
        return [found.logits.dataSync(), found.boxes.dataSync()] as const;
      });
      const detections = Array.from({ length: boxes.length / 4 }, (_, patch): Detection => {
        const scores = logits.subarray(patch * labels.length, (patch + 1) * labels.length);
        const best = scores.indexOf(Math.max(...scores));
        const [x, y, width, height] = boxes.subarray(4 * patch, 4 * patch + 4) as unknown as number[];
        return {
          label: labels[best]!,
          box: corners(x!, y!, width!, height!, image),
          confidence: 1 / (1 + Math.exp(-scores[best]!)),
        };
      });
      return detections
        .filter(({ confidence }) => confidence > THRESHOLD)
        .sort((a, b) => b.confidence - a.confidence);
    },
  };
}

/** Centre and lengths as shares of the image to its corners in pixels. */
function corners(
  x: number,
  y: number,
  width: number,
  height: number,
  image: { width: number; height: number },
): Detection['box'] {
  return [
    (x - width / 2) * image.width,
    (y - height / 2) * image.height,
    (x + width / 2) * image.width,
    (y + height / 2) * image.height,
  ];
}

/** Models and metrics of the study, opened once: images from a model, numbers from images. */
import os from 'node:os';
import path from 'node:path';
import type { Annotation } from '../../src/annotations/annotation.ts';
import { promptText } from '../../src/annotations/prompt.ts';
import { drawImages } from '../../src/diffusion/draw-images.ts';
import { type Engine, openEngine } from '../../src/engine/engine.ts';
import type { RgbImage } from '../../src/engine/image.ts';
import { clipFeatures } from '../../src/evaluation/image-features.ts';
import {
  type DiffusionModel,
  loadClipModel,
  loadDiffusionModel,
} from '../../src/models/folders/model-folder.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { sampleAnswerer, sampleDetector } from '../../src/sample-world/ports.ts';
import { readImage } from '../../src/sample-world/reader.ts';
import { clipScorer } from '../../src/scoring/clip-scorer.ts';
import type { ScoringPorts } from '../../src/scoring/ports.ts';
import type { MetricValues } from '../../src/scoring/reward.ts';
import { metricValues, scoreImages } from '../../src/scoring/score.ts';

const SAMPLE = path.resolve(import.meta.dirname, '../../models/sample');
const SAMPLING_STEPS = 20;
/** Of the candidates, and of whatever is measured unless it says another. */
export const GUIDANCE = 3;
/** Images scored at once. */
const TOGETHER = 64;

export interface Draw {
  annotation: Annotation;
  seed: number;
}

export interface Lab {
  engine: Engine;
  base: DiffusionModel;
  ports: ScoringPorts;
  load(folder: string): Promise<DiffusionModel>;
  draw(model: DiffusionModel, draws: readonly Draw[], guidance?: number): RgbImage[];
  /** All metrics of each image, and `exact`: 1 where it shows the scene and nothing else. */
  measure(draws: readonly Draw[], images: readonly RgbImage[]): Promise<MetricValues[]>;
  /** CLIP's embeddings. */
  features(images: readonly RgbImage[]): Float32Array[];
  /** What the numbers were made on. */
  machine: string;
}

export async function openLab(): Promise<Lab> {
  const engine = await openEngine();
  const load = (folder: string) => loadDiffusionModel(engine, folder);
  const base = await load(path.join(SAMPLE, 'diffusion'));
  const clip = await loadClipModel(engine, path.join(SAMPLE, 'clip'));
  const ports: ScoringPorts = {
    answerer: sampleAnswerer(),
    detector: sampleDetector(),
    clip: clipScorer(engine, 'clip', clip),
    pick: clipScorer(engine, 'pickscore', clip),
  };
  return {
    ...{ engine, base, ports, load },
    draw: (model, draws, guidance = GUIDANCE) =>
      drawImages(
        engine,
        model,
        draws.map(({ annotation, seed }) => ({ prompt: textPrompt(promptText(annotation)), seed })),
        { steps: SAMPLING_STEPS, guidance },
        () => {},
      ),
    async measure(draws, images) {
      const values: MetricValues[] = [];
      for (let i = 0; i < images.length; i += TOGETHER) {
        const subjects = images
          .slice(i, i + TOGETHER)
          .map((image, k) => ({ image, annotation: draws[i + k]!.annotation }));
        const scored = await scoreImages(subjects, ports, 'fixed');
        values.push(...scored.map(({ scores }, k) => withExact(subjects[k]!, scores)));
      }
      return values;
    },
    features: clipFeatures(engine, clip),
    machine: `${os.availableParallelism()} cores of ${os.cpus()[0]?.model.trim()}, ${engine.name} engine`,
  };
}

function withExact(
  { annotation, image }: { annotation: Annotation; image: RgbImage },
  scores: readonly { metric: string; value: number }[],
): MetricValues {
  const values = metricValues(scores);
  const shapes = readImage(image).length;
  return { ...values, exact: values.dpg === 1 && shapes === annotation.items.length ? 1 : 0 };
}

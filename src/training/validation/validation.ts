/**
 * Measurements during training: the same scenes with the same noise, drawn by the model that training would leave now
 * and judged as candidates are. A step that is measured has a checkpoint first, so no measurement is of weights that a
 * resumed run would have to make again, and the best weights are a checkpoint that is not removed.
 */
import { type DrawSettings, drawImages } from '../../diffusion/draw-images.ts';
import type { Engine } from '../../engine/engine.ts';
import type { RgbImage } from '../../engine/image.ts';
import { disposeWeights } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { mean } from '../../mean.ts';
import { imagesAtOnce } from '../../models/folders/cost.ts';
import type { DiffusionModel } from '../../models/folders/model-folder.ts';
import { hashSeed } from '../../random.ts';
import { isDue } from '../cadence.ts';
import type { Judge, Scene } from '../judge.ts';
import type { Policy } from '../policy.ts';
import type { TrainSettings } from '../settings.ts';
import type { Alarm } from '../telemetry/alarms.ts';
import { telemetryFile } from '../telemetry/run-telemetry.ts';
import { readTelemetry } from '../telemetry/telemetry.ts';
import { rewardWatch } from './validation-alarm.ts';
import { bestStep, meanReward, type ValidationEntry, type ValidationImage } from './validation-entry.ts';
import { GRID_IMAGES, gridFile, openValidationFiles, validationFile } from './validation-files.ts';

/** What the policy is measured on. */
export interface ValidationScenes {
  scenes: readonly Scene[];
  sampling: DrawSettings;
}

export interface ValidationProgress {
  phase: 'validate';
  /** Images judged, of all. */
  done: number;
  total: number;
  /** Once all are. */
  result: ValidationResult | null;
}

export interface ValidationResult {
  step: number;
  /** Mean over the images that have one. */
  reward: number;
  seconds: number;
  /** Of the steps after 0; null at step 0. */
  bestStep: number | null;
  alarms: Alarm[];
}

export interface ValidationOptions extends ValidationScenes {
  engine: Engine;
  /** The base. */
  model: DiffusionModel;
  settings: TrainSettings;
  judge: Judge;
  /** Of the run; its telemetry is open already. */
  folder: string;
  onProgress(progress: ValidationProgress): void | Promise<void>;
}

export interface Validation {
  /** Whether the policy is measured after this step. */
  isDue(step: number): boolean;
  /** Takes note of the training loss of a step. */
  note(loss: number): void;
  /** Measures the policy as it is after `step`, if that is due and not done before. */
  measure(step: number, policy: Pick<Policy, 'tuned'>): Promise<void>;
  /** The best measured step after 0; null before one. */
  best(): number | null;
  files(): MeasuredFiles;
}

export interface MeasuredFiles {
  /** JSON lines. */
  lines: string;
  /** A grid of images per measured step. */
  grids: { step: number; file: string }[];
}

/**
 * Goes on after `fromStep`, the step of the checkpoint that training goes on from. A step that is due among `together`
 * steps is measured behind the last of them, where there are checkpoints.
 */
export async function openValidation(
  options: ValidationOptions,
  fromStep: number,
  together: number,
): Promise<Validation> {
  const { settings, folder, onProgress } = options;
  const { every } = settings.validation!;
  const { kept, add } = await openValidationFiles(folder, fromStep);
  const entries = [...kept];
  const watch = rewardWatch();
  for (const entry of kept) watch(entry);
  const last = () => entries.at(-1)?.step ?? -1;
  let losses: number[] = [];
  for await (const { step, loss } of readTelemetry(telemetryFile(folder)))
    if (step > last()) losses.push(loss);

  const isMeasured = (step: number) => isDue(step, every, together) || step === settings.steps;
  return {
    isDue: isMeasured,
    note: (loss) => void losses.push(loss),
    async measure(step, policy) {
      if (!isMeasured(step) || step === last()) return;
      const started = performance.now();
      const { images, shown } = await judged(options, policy);
      const entry: ValidationEntry = {
        ...{ step, at: Date.now() / 1000, seconds: (performance.now() - started) / 1000 },
        loss: losses.length === 0 ? null : mean(losses),
        images,
      };
      await add(entry, shown);
      entries.push(entry);
      losses = [];
      const { length: total } = images;
      const result: ValidationResult = {
        ...{ step, reward: meanReward(images), seconds: entry.seconds },
        bestStep: bestStep(entries),
        alarms: watch(entry),
      };
      await onProgress({ phase: 'validate', done: total, total, result });
    },
    best: () => bestStep(entries),
    files: () => ({
      lines: validationFile(folder),
      grids: entries.map(({ step }) => ({ step, file: gridFile(folder, step) })),
    }),
  };
}

/** Every scene drawn and judged, and the first images. */
async function judged(
  { engine, model, settings, judge, scenes, sampling, onProgress }: ValidationOptions,
  policy: Pick<Policy, 'tuned'>,
): Promise<{ images: ValidationImage[]; shown: RgbImage[] }> {
  const weights = policy.tuned();
  const tuned = { ...model, unet: { ...model.unet, weights } };
  const images: ValidationImage[] = [];
  const shown: RgbImage[] = [];
  try {
    const together = imagesAtOnce(model.unet.config, sampling.guidance);
    for (let first = 0; first < scenes.length; first += together) {
      const part = scenes.slice(first, first + together);
      const requests = part.map(({ id, prompt }) => ({
        prompt,
        seed: hashSeed('validation', settings.seed, id),
      }));
      const drawn = drawImages(engine, tuned, requests, sampling, () => {});
      const judgements = await judge(part, drawn);
      images.push(...judgements.map((judgement, i) => ({ id: part[i]!.id, ...judgement })));
      shown.push(...drawn.slice(0, GRID_IMAGES - shown.length));
      if (images.length < scenes.length)
        await onProgress({ phase: 'validate', done: images.length, total: scenes.length, result: null });
    }
  } finally {
    disposeWeights(weights);
  }
  if (images.every(({ reward }) => reward === null)) throw withoutRewards(images);
  return { images, shown };
}

function withoutRewards(images: readonly ValidationImage[]): DiptychError {
  const measured = new Set(images.flatMap(({ metrics }) => Object.keys(metrics)));
  return new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `none of ${images.length} validation images has every metric that the reward weighs; measured are ${[...measured].join(', ') || 'none'}`,
  );
}

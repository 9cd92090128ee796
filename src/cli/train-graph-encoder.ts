/** `diptych train-graph-encoder`: a scene-graph encoder for a model folder, learned from annotations and images. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openEngine } from '../engine/engine.ts';
import { DiptychError } from '../errors.ts';
import { mean } from '../mean.ts';
import { loadDiffusionModel } from '../models/folders/model-folder.ts';
import { stopAsked } from '../process-end.ts';
import {
  DEFAULT_SCENE_GRAPH,
  type SceneGraphSettings,
} from '../training/scene-graph/scene-graph-settings.ts';
import {
  type SceneGraphTelemetry,
  trainSceneGraphEncoder,
} from '../training/scene-graph/train-scene-graph-encoder.ts';
import { type Asked, EXIT, UsageError } from './command.ts';
import { type LeftOut, REASONS, readGraphImages } from './graph-images.ts';
import type { Output } from './output.ts';

/** Names listed of a long list; the others are counted. */
const LISTED = 10;
/** Steps whose time says how long the others will take. */
const RECENT = 20;

interface EncoderValues {
  model: string;
  annotations: string;
  images: string;
  out: string;
  steps: string | undefined;
  batch: string | undefined;
  'learning-rate': string | undefined;
  seed: string | undefined;
}

/** Throws UsageError that quotes what is wrong. */
export function encoderSettings(values: EncoderValues): SceneGraphSettings {
  const number = (name: keyof EncoderValues, otherwise: number, fits: (x: number) => boolean) => {
    const value = values[name] === undefined ? otherwise : Number(values[name]);
    if (fits(value)) return value;
    const kind = name === 'learning-rate' ? 'number' : 'whole number';
    throw new UsageError(`--${name} is "${values[name]}", must be a ${kind} above 0`);
  };
  const whole = (x: number) => Number.isSafeInteger(x) && x > 0;
  const defaults = DEFAULT_SCENE_GRAPH;
  return {
    ...defaults,
    steps: number('steps', defaults.steps, whole),
    batch: number('batch', defaults.batch, whole),
    learningRate: number('learning-rate', defaults.learningRate, (x) => x > 0 && Number.isFinite(x)),
    seed: number('seed', defaults.seed, whole),
  };
}

export async function trainGraphEncoder({ values, out }: Asked<EncoderValues>): Promise<number> {
  const settings = encoderSettings(values);
  const folder = values.out;
  const found = await readGraphImages(values.annotations, values.images);
  for (const line of summaryOf(found.leftOut)) out.note(line);
  await mkdir(folder, { recursive: true });
  const lines = found.leftOut.map(({ name, why }) => `${name}\t${why}\n`);
  await writeFile(path.join(folder, 'left-out.txt'), lines.join(''));
  out.note(`${found.images.length} images with a scene graph`);
  const engine = await openEngine();
  const model = await loadDiffusionModel(engine, values.model);

  let stopping = false;
  void stopAsked().then(() => {
    stopping = true;
  });
  const show = progressOf(settings.steps, out);
  try {
    const trained = await trainSceneGraphEncoder({
      ...{ engine, model, settings, images: found.images, folder },
      async onStep(telemetry) {
        show(telemetry);
        // Lets a signal in: the training itself hardly waits for anything.
        await new Promise((resolve) => setImmediate(resolve));
        if (stopping) throw new DiptychError('DIPTYCH_CANCELLED', 'stopped');
      },
    });
    out.result(
      { model: trained, images: found.images.length, leftOut: found.leftOut },
      `${trained} is the model with its scene-graph encoder`,
    );
    return EXIT.done;
  } catch (thrown) {
    if (!stopping) throw thrown;
    out.note('stopped; the same command goes on from the newest checkpoint');
    return EXIT.stopped;
  }
}

/** A line for each reason; left-out.txt has every name. */
function summaryOf(leftOut: readonly LeftOut[]): string[] {
  return REASONS.flatMap((reason) => {
    const names = leftOut.filter(({ why }) => why === reason).map(({ name }) => name);
    if (names.length === 0) return [];
    const more = names.length > LISTED ? [`and ${names.length - LISTED} more`] : [];
    return [`${names.length} left out, ${reason}: ${[...names.slice(0, LISTED), ...more].join(', ')}`];
  });
}

function progressOf(steps: number, out: Output): (telemetry: SceneGraphTelemetry) => void {
  const printer = out.progress();
  const recent: number[] = [];
  return ({ step, seconds }) => {
    recent.push(seconds);
    if (recent.length > RECENT) recent.shift();
    const counts = { total: steps, done: step, failed: 0, dropped: 0, fraction: step / steps };
    printer.show([{ name: 'graph encoder', status: 'running', ...counts }], mean(recent) * (steps - step));
  };
}

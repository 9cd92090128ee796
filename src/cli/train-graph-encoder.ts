/** `diptych train-graph-encoder`: a scene-graph encoder for a model folder, learned from annotations and images. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openEngine } from '../engine/engine.ts';
import { asError, DiptychError } from '../errors.ts';
import { loadDiffusionModel } from '../models/model-folder.ts';
import { stopAsked } from '../process-end.ts';
import { DEFAULT_SCENE_GRAPH, type SceneGraphSettings } from '../training/scene-graph-settings.ts';
import { type SceneGraphTelemetry, trainSceneGraphEncoder } from '../training/train-scene-graph-encoder.ts';
import { type LeftOut, REASONS, readGraphImages } from './graph-images.ts';
import { createProgressPrinter } from './progress.ts';

const USAGE =
  'npm run diptych -- train-graph-encoder --model FOLDER --annotations FILE --images FOLDER --out FOLDER\n' +
  '  [--steps N] [--batch N] [--learning-rate X] [--seed N]';
const STRING = { type: 'string' } as const;
const OPTIONS = {
  ...{ model: STRING, annotations: STRING, images: STRING, out: STRING },
  ...{ steps: STRING, batch: STRING, 'learning-rate': STRING, seed: STRING },
};
const PATHS = ['model', 'annotations', 'images', 'out'] as const;
/** Names listed of a long list; the others are counted. */
const LISTED = 10;
/** Steps whose time says how long the others will take. */
const RECENT = 20;

export interface TrainGraphEncoderOptions {
  paths: Record<(typeof PATHS)[number], string>;
  settings: SceneGraphSettings;
}

export async function trainGraphEncoder(args: readonly string[]): Promise<number> {
  try {
    return await train(parseOptions(args));
  } catch (thrown) {
    console.error(asError(thrown).message);
    return 1;
  }
}

/** Throws DIPTYCH_INVALID_INPUT that says how the command is used. */
export function parseOptions(args: readonly string[]): TrainGraphEncoderOptions {
  const bad = (what: string) => new DiptychError('DIPTYCH_INVALID_INPUT', `${what}\n${USAGE}`);
  let values: Partial<Record<keyof typeof OPTIONS, string>>;
  try {
    ({ values } = parseArgs({ args: [...args], options: OPTIONS }));
  } catch (thrown) {
    throw bad(asError(thrown).message);
  }
  const place = (name: (typeof PATHS)[number]) => {
    const value = values[name];
    if (!value) throw bad(`--${name} is missing`);
    return value;
  };
  const number = (name: keyof typeof OPTIONS, otherwise: number, fits: (x: number) => boolean) => {
    const value = values[name] === undefined ? otherwise : Number(values[name]);
    if (fits(value)) return value;
    throw bad(
      `--${name} is "${values[name]}"; it must be a ${name === 'learning-rate' ? '' : 'whole '}number above 0`,
    );
  };
  const whole = (x: number) => Number.isSafeInteger(x) && x > 0;
  const defaults = DEFAULT_SCENE_GRAPH;
  return {
    paths: {
      model: place('model'),
      annotations: place('annotations'),
      images: place('images'),
      out: place('out'),
    },
    settings: {
      ...defaults,
      steps: number('steps', defaults.steps, whole),
      batch: number('batch', defaults.batch, whole),
      learningRate: number('learning-rate', defaults.learningRate, (x) => x > 0 && Number.isFinite(x)),
      seed: number('seed', defaults.seed, whole),
    },
  };
}

async function train({ paths, settings }: TrainGraphEncoderOptions): Promise<number> {
  const found = await readGraphImages(paths.annotations, paths.images);
  for (const line of summaryOf(found.leftOut)) console.error(line);
  await mkdir(paths.out, { recursive: true });
  const lines = found.leftOut.map(({ name, why }) => `${name}\t${why}\n`);
  await writeFile(path.join(paths.out, 'left-out.txt'), lines.join(''));
  console.log(`${found.images.length} images with a scene graph`);
  const engine = await openEngine();
  const model = await loadDiffusionModel(engine, paths.model);

  let stopping = false;
  void stopAsked().then(() => {
    stopping = true;
  });
  const show = progressOf(settings.steps);
  try {
    const trained = await trainSceneGraphEncoder({
      ...{ engine, model, settings, images: found.images, folder: paths.out },
      async onStep(telemetry) {
        show(telemetry);
        // Lets a signal in: the training itself hardly waits for anything.
        await new Promise((resolve) => setImmediate(resolve));
        if (stopping) throw new DiptychError('DIPTYCH_CANCELLED', 'stopped');
      },
    });
    console.log(`${trained} is the model with its scene-graph encoder`);
    return 0;
  } catch (thrown) {
    if (!stopping) throw thrown;
    console.log('\nstopped; the same command goes on from the newest checkpoint');
    return 130;
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

function progressOf(steps: number): (telemetry: SceneGraphTelemetry) => void {
  const printer = createProgressPrinter(process.stdout);
  const recent: number[] = [];
  return ({ step, seconds }) => {
    recent.push(seconds);
    if (recent.length > RECENT) recent.shift();
    const mean = recent.reduce((sum, x) => sum + x, 0) / recent.length;
    const counts = { total: steps, done: step, failed: 0, dropped: 0, fraction: step / steps };
    printer.show([{ name: 'graph encoder', status: 'running', ...counts }], mean * (steps - step));
  };
}

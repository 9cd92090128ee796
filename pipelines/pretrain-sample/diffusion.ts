/**
 * Pretrains the sample text-to-image model: text encoder and UNet together, noise prediction (Ho et al.,
 * arXiv 2006.11239), 10% of prompts dropped so that guidance works. Deterministic and resumable: a batch is a
 * function of (seed, step), and a checkpoint holds everything else.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { addNoise } from '../../src/diffusion/ddim.ts';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { parseSchedule } from '../../src/diffusion/schedule.ts';
import { adamW } from '../../src/engine/adamw.ts';
import type { Engine, Tensor } from '../../src/engine/engine.ts';
import {
  createFlatParameters,
  type FlatParameters,
  type FlatState,
} from '../../src/engine/flat-parameters.ts';
import { toPixels } from '../../src/engine/image.ts';
import { type HostTensor, readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import type { ParameterSpec, Weights } from '../../src/engine/weights.ts';
import { clipTextForward, clipTextParameters, parseClipTextConfig } from '../../src/models/clip/clip-text.ts';
import { loadTokenizer } from '../../src/models/tokenizers/tokenizer.ts';
import { unetForward } from '../../src/models/unet/unet.ts';
import { parseUNetConfig } from '../../src/models/unet/unet-config.ts';
import { unetParameters } from '../../src/models/unet/unet-parameters.ts';
import { hashSeed } from '../../src/random.ts';
import { sceneBatch } from './batches.ts';
import { SCHEDULER_CONFIG, textConfig, UNET_CONFIG } from './configs.ts';
import { evaluateSampleModel } from './evaluate.ts';
import { initialWeights } from './initial-weights.ts';
import type { RunLog } from './run-log.ts';
import type { SampleFolders } from './sample-folders.ts';

export interface PretrainOptions {
  engine: Engine;
  folders: SampleFolders;
  seed: number;
  steps: number;
  batch: number;
  /** Folder of the checkpoint. */
  work: string;
  log: RunLog;
}

const PEAK_RATE = 1e-3;
const WARM_UP = 200;
/** The cosine ends at this share of the peak. */
const FINAL_SHARE = 0.03;
const PROMPT_DROP = 0.1;
const CHECKPOINT_EVERY = 250;
const EVALUATE_EVERY = 500;
/** Weights are averaged every so many steps, with the decay that 0.999 a step comes to. */
const AVERAGE_EVERY = 10;
const AVERAGE_DECAY = 0.99;

/** Warm-up, then cosine. */
export function learningRate(step: number, steps: number): number {
  const cosine = 0.5 * (1 + Math.cos((Math.PI * step) / steps));
  return PEAK_RATE * Math.min(1, step / WARM_UP) * (FINAL_SHARE + (1 - FINAL_SHARE) * cosine);
}

export async function pretrainDiffusion(options: PretrainOptions): Promise<void> {
  const { engine, folders, seed, steps, batch, work, log } = options;
  const { tf } = engine;
  const unetConfig = parseUNetConfig(UNET_CONFIG);
  const clipConfig = parseClipTextConfig(textConfig(folders.vocabSize));
  const [unetSpecs, textSpecs] = [unetParameters(unetConfig), clipTextParameters(clipConfig)];
  const specs = [...prefixed('unet.', unetSpecs), ...prefixed('text.', textSpecs)];
  const tokenizer = await loadTokenizer(path.join(folders.diffusion, 'tokenizer'));
  const schedule = parseSchedule(SCHEDULER_CONFIG);
  const checkpoint = path.join(work, 'diffusion.safetensors');

  const resumed = existsSync(checkpoint) ? await readCheckpoint(checkpoint) : null;
  const flat = createFlatParameters(
    engine,
    specs,
    resumed?.state ?? initialWeights(specs, seed, /^unet\.conv_out\./),
    { optimizer: adamW({ weightDecay: 1e-4 }), maxGradNorm: 1 },
  );
  const average = resumed?.average ?? flat.state().parameters;
  const start = resumed?.state.step ?? 0;
  log.rewind('diffusion', start);
  log.rewind('diffusion-evaluation', start);

  const saveModel = async () => {
    const host = namedTensors(engine, specs, average);
    const pick = (prefix: string, of: readonly ParameterSpec[]) =>
      Object.fromEntries(of.map(({ name }) => [name, host[prefix + name]!]));
    const unetFile = path.join(folders.diffusion, 'unet', 'diffusion_pytorch_model.safetensors');
    await writeSafetensors(unetFile, pick('unet.', unetSpecs));
    const textFile = path.join(folders.diffusion, 'text_encoder', 'model.safetensors');
    await writeSafetensors(textFile, pick('text.', textSpecs));
  };

  let lossSum = 0;
  let since = Date.now();
  for (let step = start + 1; step <= steps; step++) {
    const { images, prompts, random } = sceneBatch(seed, step, batch);
    const ids = prompts.map((prompt) => tokenizer.encode(random.next() < PROMPT_DROP ? '' : prompt));
    const timesteps = images.map(() => sampleTimestep(random.next(), random.next()));
    const noiseSeeds = images.map((_, i) => hashSeed('pretrain-noise', seed, step, i));
    const { loss, gradNorm } = flat.step(
      (weights) => {
        const x0 = tf.tensor(toPixels(images), [batch, 32, 32, 3]) as Tensor;
        const noise = seededNoise(tf, noiseSeeds, [32, 32, 3]);
        const noisy = addNoise(tf, schedule, x0, noise, timesteps);
        const states = clipTextForward(engine, clipConfig, unprefixed('text.', weights), ids).last;
        const at = tf.tensor1d(timesteps);
        const output = unetForward(engine, unetConfig, unprefixed('unet.', weights), noisy, at, { states });
        return { loss: output.sub(noise).square().mean() as Tensor };
      },
      learningRate(step, steps),
    );
    lossSum += loss;
    if (step % AVERAGE_EVERY === 0) updateAverage(average, flat, step);
    if (step % 50 === 0) {
      const seconds = (Date.now() - since) / 50_000;
      log.append('diffusion', {
        step,
        loss: round(lossSum / 50),
        gradNorm: round(gradNorm),
        learningRate: round(learningRate(step, steps)),
        secondsPerStep: round(seconds),
        minutesLeft: round(((steps - step) * seconds) / 60),
      });
      lossSum = 0;
      since = Date.now();
    }
    if (step % CHECKPOINT_EVERY === 0 || step === steps) {
      await writeCheckpoint(checkpoint, flat.state(), average);
      await saveModel();
    }
    if (step % EVALUATE_EVERY === 0 || step === steps) {
      const { scores, grid } = await evaluateSampleModel(engine, folders.diffusion);
      log.append('diffusion-evaluation', { step, ...scores });
      await writeFile(path.join(log.folder, 'samples.png'), grid);
      since = Date.now();
    }
  }
  flat.dispose();
}

/** Half uniform over all levels, half over the noisy middle, where layout is decided. */
function sampleTimestep(choice: number, u: number): number {
  return Math.floor(choice < 0.5 ? 1000 * u : 350 + 550 * u);
}

function updateAverage(average: Float32Array, flat: FlatParameters, step: number): void {
  const { parameters } = flat.state();
  const decay = Math.min(AVERAGE_DECAY, step / (step + 10 * AVERAGE_EVERY));
  for (let i = 0; i < average.length; i++) {
    average[i] = decay * average[i]! + (1 - decay) * parameters[i]!;
  }
}

function namedTensors(
  engine: Engine,
  specs: readonly ParameterSpec[],
  parameters: Float32Array,
): Record<string, HostTensor> {
  const empty = new Float32Array(parameters.length);
  const holder = createFlatParameters(engine, specs, { step: 0, parameters, m: empty, v: empty });
  const host = holder.toHost();
  holder.dispose();
  return host;
}

async function writeCheckpoint(file: string, state: FlatState, average: Float32Array): Promise<void> {
  const vector = (data: Float32Array): HostTensor => ({ shape: [data.length], dtype: 'float32', data });
  const tensors = {
    parameters: vector(state.parameters),
    m: vector(state.m),
    v: vector(state.v),
    average: vector(average),
    step: { shape: [1], dtype: 'int32', data: Int32Array.of(state.step) } satisfies HostTensor,
  };
  await writeSafetensors(file, tensors);
}

async function readCheckpoint(file: string): Promise<{ state: FlatState; average: Float32Array }> {
  const tensors = await readTensors(file);
  const data = (name: string) => tensors[name]!.data as Float32Array;
  const state = { step: tensors.step!.data[0]!, parameters: data('parameters'), m: data('m'), v: data('v') };
  return { state, average: data('average') };
}

const prefixed = (prefix: string, specs: readonly ParameterSpec[]): ParameterSpec[] =>
  specs.map((spec) => ({ ...spec, name: prefix + spec.name }));

const unprefixed = (prefix: string, weights: Weights): Weights =>
  Object.fromEntries(
    Object.entries(weights)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );

const round = (x: number) => Number(x.toPrecision(4));

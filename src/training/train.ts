/**
 * Preference training: pairs in, a tuned UNet out. First every candidate that a pair needs is inverted under
 * the reference, once; then optimizer steps over a seeded stream of pairs. A step is a function of the settings,
 * its number and the weights, so a run that was stopped and resumed ends with the same bits.
 */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { disposeTrajectory, invert } from '../diffusion/invert.ts';
import { seededNoise } from '../diffusion/noise.ts';
import { guidedPredictor } from '../diffusion/predictor.ts';
import { parseSchedule, type Schedule } from '../diffusion/schedule.ts';
import type { Engine, Tensor } from '../engine/engine.ts';
import { createFlatParameters } from '../engine/flat-parameters.ts';
import type { RgbImage } from '../engine/image.ts';
import { toHost, type Weights } from '../engine/weights.ts';
import { DiptychError } from '../errors.ts';
import { type DiffusionModel, encodePrompts } from '../models/model-folder.ts';
import { unetForward } from '../models/unet.ts';
import { type Pair, pairBatch } from '../preference/pairs.ts';
import { createRandom, hashSeed } from '../random.ts';
import { readNewestCheckpoint, writeCheckpoint, writeModel } from './checkpoint.ts';
import { preferenceLoss } from './loss.ts';
import { endpointNoise, stateFromNoise, transitionNoise } from './objectives/inversion-dpo.ts';
import { planRows, type RowPlan } from './rows.ts';
import { learningRateAt, type TrainSettings } from './settings.ts';
import { openTelemetry, type StepTelemetry } from './telemetry.ts';
import { openTrajectories, type TrajectoryStore } from './trajectory-store.ts';

export interface TrainCandidate {
  id: string;
  prompt: string;
  /** Of the encoded image: part of what a stored trajectory depends on. */
  sha256: string;
  load(): Promise<RgbImage>;
}

export interface TrainOptions {
  engine: Engine;
  model: DiffusionModel;
  settings: TrainSettings;
  candidates: readonly TrainCandidate[];
  pairs: readonly Pair[];
  /** Folder of trajectories, checkpoints, telemetry and the final model. */
  folder: string;
  /** Called after every piece of work; throws to stop. */
  onProgress(progress: TrainProgress): void | Promise<void>;
}

export type TrainProgress =
  | { phase: 'invert'; done: number; total: number }
  | { phase: 'train'; done: number; total: number; telemetry: StepTelemetry };

export interface TrainResult {
  /** The tuned model's folder, diffusers layout. */
  model: string;
  telemetry: string;
}

const INVERSION_BATCH = 32;

export async function trainPairs(options: TrainOptions): Promise<TrainResult> {
  const { engine, model, settings, pairs, folder, onProgress } = options;
  const { tf } = engine;
  const schedule = parseSchedule(model.scheduler);
  if (schedule.predictionType !== 'epsilon') {
    throw new DiptychError(
      'DIPTYCH_BAD_MODEL',
      `the model predicts "${schedule.predictionType}"; preference training needs "epsilon"`,
    );
  }
  if (pairs.length === 0) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      'there are no pairs to train on: every difference of rewards is within the margin. Lower `pairs.margin`.',
    );
  }
  await mkdir(folder, { recursive: true });
  const needed = neededCandidates(options);
  const trajectories = await invertAll(options, schedule, needed);
  const index = new Map(needed.map(({ id }, i) => [id, i]));
  const promptOf = new Map(needed.map(({ id, prompt }) => [id, prompt]));

  const resumed = await readNewestCheckpoint(folder);
  const { specs, config } = model.unet;
  const reference = model.unet.weights;
  const policy = createFlatParameters(engine, specs, resumed ?? toHost(reference, specs), settings);
  const telemetryFile = path.join(folder, 'telemetry.jsonl');
  const record = openTelemetry(telemetryFile, resumed?.step ?? 0);
  const empty = encodePrompts(engine, model, ['']);
  try {
    for (let step = (resumed?.step ?? 0) + 1; step <= settings.steps; step++) {
      const started = performance.now();
      const batch = pairBatch(pairs.length, settings.pairsPerStep, settings.seed, step - 1).map(
        (i) => pairs[i]!,
      );
      const random = createRandom(hashSeed('train-step', settings.seed, step));
      const plans = batch.map(() => planRows(settings, schedule, random));
      const rows = await loadRows(engine, trajectories, index, batch, plans);
      const context = encodePrompts(
        engine,
        model,
        batch.map(({ winner }) => promptOf.get(winner)!),
      );
      const predict = (weights: Weights) =>
        predictNoise(engine, (x, t, c) => unetForward(engine, config, weights, x, t, c), rows, {
          context,
          empty,
          guidance: settings.guidance,
        });
      const [referenceWinner, referenceLoser] = tf.tidy(() => predict(reference));
      const { loss, aux, gradNorm } = policy.step(
        (weights) => {
          const [policyWinner, policyLoser] = predict(weights);
          const result = preferenceLoss(
            tf,
            settings,
            rows.levels,
            batch.length,
            { policy: policyWinner, reference: referenceWinner, target: rows.winnerTarget },
            { policy: policyLoser, reference: referenceLoser, target: rows.loserTarget },
          );
          return { loss: result.loss, aux: [result.inside, result.winnerError, result.loserError] };
        },
        learningRateAt(settings, step),
      );
      tf.dispose([referenceWinner, referenceLoser, context]);
      disposeRows(rows);
      const [inside, winnerError, loserError] = aux as [Float32Array, Float32Array, Float32Array];
      const telemetry: StepTelemetry = {
        step,
        loss,
        accuracy: inside.filter((x) => x > 0).length / inside.length,
        winnerError: mean(winnerError),
        loserError: mean(loserError),
        gradNorm,
        learningRate: learningRateAt(settings, step),
        seconds: (performance.now() - started) / 1000,
      };
      if (!Number.isFinite(loss)) {
        throw new DiptychError(
          'DIPTYCH_INVALID_INPUT',
          `the loss is ${loss} at step ${step}; lower \`learningRate\` (${settings.learningRate}) or \`beta\` (${settings.beta})`,
        );
      }
      record(telemetry);
      if (step % settings.checkpointEvery === 0) {
        await writeCheckpoint(folder, { state: policy.state(), unet: policy.toHost(), base: model.folder });
      }
      await onProgress({ phase: 'train', done: step, total: settings.steps, telemetry });
    }
    const tuned = path.join(folder, 'model');
    await writeModel(tuned, model.folder, policy.toHost());
    return { model: tuned, telemetry: telemetryFile };
  } finally {
    policy.dispose();
    empty.dispose();
    await trajectories.close();
  }
}

/** Candidates that some pair mentions, in the order of the list. */
function neededCandidates({ candidates, pairs }: TrainOptions): TrainCandidate[] {
  const mentioned = new Set(pairs.flatMap(({ winner, loser }) => [winner, loser]));
  return candidates.filter(({ id }) => mentioned.has(id));
}

async function invertAll(
  options: TrainOptions,
  schedule: Schedule,
  needed: readonly TrainCandidate[],
): Promise<TrajectoryStore> {
  const { engine, model, settings, folder, onProgress } = options;
  const { tf } = engine;
  const { sampleSize, inChannels } = model.unet.config;
  const size = sampleSize * sampleSize * inChannels;
  // Diffusion-DPO needs the images alone: a trajectory of one state.
  const inverts = settings.objective === 'inversion-dpo';
  const states = inverts ? settings.inversionSteps + 1 : 1;
  const about = [
    model.hash,
    states,
    settings.guidance,
    ...needed.map(({ sha256, prompt }) => sha256 + prompt),
  ];
  const key = createHash('sha256').update(JSON.stringify(about)).digest('hex');
  const store = await openTrajectories(folder, { key, states, size });
  while (store.count() < needed.length) {
    const batch = needed.slice(store.count(), store.count() + INVERSION_BATCH);
    const images = await Promise.all(batch.map((candidate) => candidate.load()));
    const x0 = imageTensor(engine, images, sampleSize);
    const out = new Float32Array(batch.length * states * size);
    if (inverts) {
      const prompt = encodePrompts(
        engine,
        model,
        batch.map((candidate) => candidate.prompt),
      );
      const empty = encodePrompts(engine, model, ['']);
      const predict = guidedPredictor(
        engine,
        model.unet.config,
        model.unet.weights,
        { prompt, empty },
        settings.guidance,
      );
      const trajectory = invert(engine, schedule, predict, x0, settings.inversionSteps);
      for (const [s, state] of trajectory.states.entries()) {
        const values = state.dataSync();
        for (let row = 0; row < batch.length; row++) {
          out.set(values.subarray(row * size, (row + 1) * size), (row * states + s) * size);
        }
      }
      disposeTrajectory(trajectory);
      tf.dispose([prompt, empty]);
    } else out.set(x0.dataSync());
    x0.dispose();
    await store.append(out, batch.length);
    await onProgress({ phase: 'invert', done: store.count(), total: needed.length });
  }
  return store;
}

/** Pixels in [-1, 1]: [B, S, S, 3]. Throws DIPTYCH_INVALID_INPUT on another size. */
function imageTensor({ tf }: Engine, images: readonly RgbImage[], side: number): Tensor {
  const size = side * side * 3;
  const values = new Float32Array(images.length * size);
  for (const [i, { width, height, data }] of images.entries()) {
    if (width !== side || height !== side) {
      throw new DiptychError(
        'DIPTYCH_INVALID_INPUT',
        `a candidate is ${width} x ${height} pixels, the model works at ${side} x ${side}`,
      );
    }
    for (let j = 0; j < size; j++) values[i * size + j] = data[j]! / 127.5 - 1;
  }
  return tf.tensor(values, [images.length, side, side, 3], 'float32');
}

interface Rows {
  /** [R, ...] for either side. */
  winner: Tensor;
  loser: Tensor;
  winnerTarget: Tensor | null;
  loserTarget: Tensor | null;
  timesteps: number[];
  levels: number[];
}

/** Reads what the plans ask for and makes the tensors: row k * pairs + b is row k of pair b. */
async function loadRows(
  engine: Engine,
  trajectories: TrajectoryStore,
  index: ReadonlyMap<string, number>,
  batch: readonly Pair[],
  plans: readonly RowPlan[][],
): Promise<Rows> {
  const { tf } = engine;
  const order = plans[0]!.flatMap((_, k) => batch.map((pair, b) => ({ pair, plan: plans[b]![k]! })));
  const levels = order.map(({ plan }) => plan.level);
  const side = Math.sqrt((await trajectories.read(0, 0)).length / 3);
  const shape = [order.length, side, side, 3];
  const read = async (who: (entry: (typeof order)[number]) => string, state: (plan: RowPlan) => number) => {
    const parts = await Promise.all(
      order.map((entry) => trajectories.read(index.get(who(entry))!, state(entry.plan))),
    );
    const joined = new Float32Array(order.length * parts[0]!.length);
    for (const [i, part] of parts.entries()) joined.set(part, i * part.length);
    return tf.tensor(joined, shape, 'float32') as Tensor;
  };
  const winnerId = ({ pair }: { pair: Pair }) => pair.winner;
  const loserId = ({ pair }: { pair: Pair }) => pair.loser;
  const common = { timesteps: order.map(({ plan }) => plan.t), levels };
  const first = order[0]!.plan;

  if (first.state === null) {
    const images = [await read(winnerId, () => 0), await read(loserId, () => 0)] as const;
    let noise: Tensor;
    if (first.freshNoise === null) {
      const donor = (entry: (typeof order)[number]) =>
        entry.plan.noiseOf === 'winner' ? entry.pair.winner : entry.pair.loser;
      const state = await read(donor, (plan) => plan.noiseState!);
      const image = await read(donor, () => 0);
      noise = tf.tidy(() => endpointNoise(tf, state, image, levels));
      tf.dispose([state, image]);
    } else {
      noise = seededNoise(
        tf,
        order.map(({ plan }) => plan.freshNoise!),
        shape.slice(1),
      );
    }
    const [winner, loser] = images.map((image) => tf.tidy(() => stateFromNoise(tf, image, noise, levels)));
    tf.dispose([...images]);
    return { ...common, winner: winner!, loser: loser!, winnerTarget: noise, loserTarget: noise.clone() };
  }
  const winner = await read(winnerId, (plan) => plan.state!);
  const loser = await read(loserId, (plan) => plan.state!);
  if (first.towards === null) return { ...common, winner, loser, winnerTarget: null, loserTarget: null };
  const targets = [];
  for (const [who, from] of [
    [winnerId, winner],
    [loserId, loser],
  ] as const) {
    const to = await read(who, (plan) => plan.towards!.state);
    const toLevels = order.map(({ plan }) => plan.towards!.level);
    targets.push(tf.tidy(() => transitionNoise(tf, from, to, levels, toLevels)));
    to.dispose();
  }
  return { ...common, winner, loser, winnerTarget: targets[0]!, loserTarget: targets[1]! };
}

function disposeRows({ winner, loser, winnerTarget, loserTarget }: Rows): void {
  for (const tensor of [winner, loser, winnerTarget, loserTarget]) tensor?.dispose();
}

/** Noise predictions for the winners' and the losers' rows, guided where asked: [R, ...] each. */
function predictNoise(
  { tf }: Engine,
  model: (x: Tensor, t: Tensor, context: Tensor) => Tensor,
  rows: Rows,
  { context, empty, guidance }: { context: Tensor; empty: Tensor; guidance: number },
): [Tensor, Tensor] {
  const repeats = (2 * rows.timesteps.length) / context.shape[0]!;
  const prompt = tf.tile(context, [repeats, 1, 1]);
  const x = tf.concat([rows.winner, rows.loser], 0) as Tensor;
  const t = tf.tensor1d([...rows.timesteps, ...rows.timesteps], 'float32');
  let output = model(x, t, prompt);
  if (guidance !== 1) {
    const without = model(x, t, tf.tile(empty, [x.shape[0]!, 1, 1]));
    output = without.add(output.sub(without).mul(guidance));
  }
  return tf.split(output, 2, 0) as [Tensor, Tensor];
}

const mean = (values: Float32Array) => values.reduce((sum, x) => sum + x, 0) / values.length;

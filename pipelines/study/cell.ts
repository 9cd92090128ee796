/** One training of the study and what came of it, against the base with equal seeds. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Annotation } from '../../src/annotations/annotation.ts';
import { promptText } from '../../src/annotations/prompt.ts';
import type { RgbImage } from '../../src/engine/image.ts';
import { mean } from '../../src/mean.ts';
import type { DiffusionModel } from '../../src/models/folders/model-folder.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { formPairs, type PairSettings } from '../../src/preference/pairs.ts';
import { hashSeed } from '../../src/random.ts';
import { createJudge } from '../../src/scoring/judge.ts';
import { createReward, type MetricValues, type RewardSettings, rewardOn } from '../../src/scoring/reward.ts';
import {
  DEFAULT_ON_POLICY,
  DEFAULT_TRAIN,
  isOnPolicy,
  type TrainSettings,
} from '../../src/training/settings.ts';
import type { StepTelemetry } from '../../src/training/telemetry/telemetry.ts';
import { trainPairs } from '../../src/training/train.ts';
import { asTrainCandidate, candidatesOf } from './candidates.ts';
import { grainOf } from './grain.ts';
import { type Draw, GUIDANCE, type Lab } from './lab.ts';
import { type StudyScenes, TUNING_SEED } from './scenes.ts';

export interface Cell {
  /** tune, compare, or the name of what else is asked. */
  part: string;
  arm: string;
  seed: number;
  /** What differs from the defaults; null: the base as it is. */
  train: Partial<TrainSettings> | null;
  reward: RewardSettings;
  pairs: PairSettings;
  /** Draw what came of it with each of these too. */
  guidances?: readonly number[];
}

/** Means per annotation, in the order of the scenes, by metric; the first is the reward that all arms are measured by. */
export type Measured = Record<string, number[]>;

export interface CellResult {
  /** Those that the training drew from. */
  pairs: number;
  /** Mean reward of the first half of the scenes, one image each, over optimizer steps. */
  curve: { step: number; reward: number }[];
  measured: Measured;
  /** Mean distance (1 - cosine) of CLIP's embeddings of two images of the same scene; null where there is one. */
  diversity: number | null;
  /** Means over ten steps each. */
  telemetry: Partial<Record<Told, number[]>>;
  /** Null of the base. */
  secondsPerStep: number | null;
  /** Of a cell that names guidances. */
  drawn?: Drawn[];
}

export interface Drawn {
  guidance: number;
  /** Means per annotation, in the order of the scenes. */
  reward: number[];
  /** Mean over the images, in grey levels. */
  grain: number;
}

/** Steps between two points of the curve, at least. */
const MILESTONE = 50;
/** Images of each scene. Settings are chosen on fewer, without a curve. */
export const SAMPLES = 2;
const TUNING_SAMPLES = 1;
const TOLD = ['loss', 'accuracy', 'winnerError', 'loserError'] as const;
export type Told = (typeof TOLD)[number];
/** Steps. */
export const TOLD_EVERY = 10;
/** What all arms are measured by, whatever they were trained on: the paper's two objectives for composition. */
const REWARD: RewardSettings = { policy: 'mean', weights: { dpg: 1, 't2i-3in1': 1 } };

export interface Watch {
  onStep(done: number): void;
  /** Images of a cell that names guidances, SAMPLES of each scene in turn. */
  onDrawn(guidance: number, images: readonly RgbImage[]): Promise<void>;
}

/** @param work folder of candidates and trajectories */
export async function runCell(
  lab: Lab,
  scenes: StudyScenes,
  cell: Cell,
  work: string,
  { onStep, onDrawn }: Watch,
): Promise<CellResult> {
  const { seed } = cell;
  const tunes = seed === TUNING_SEED;
  const measuredOn = tunes ? scenes.validation : scenes.heldOut;
  const samples = tunes ? TUNING_SAMPLES : SAMPLES;
  const measure = async (model: DiffusionModel) => {
    const draws = drawsOf(measuredOn, samples, seed);
    const usual = lab.draw(model, draws);
    const { quick, ...result } = await measureImages(lab, measuredOn, samples, draws, usual);
    if (!cell.guidances) return { quick, result };
    const drawn: Drawn[] = [];
    for (const guidance of cell.guidances) {
      const images = guidance === GUIDANCE ? usual : lab.draw(model, draws, guidance);
      await onDrawn(guidance, images);
      const reward =
        images === usual
          ? result.measured.reward!
          : meanPerScene(rewardsOf(await lab.measure(draws, images)), samples);
      drawn.push({ guidance, reward, grain: rounded(mean(images.map(grainOf))) });
    }
    return { quick, result: { ...result, drawn } };
  };
  if (!cell.train) {
    const { quick, result } = await measure(lab.base);
    return { pairs: 0, curve: [{ step: 0, reward: quick }], ...result, ...told([]) };
  }
  // A cell that names no guidance has none, whatever the default is.
  const settings = { ...DEFAULT_TRAIN, guidance: 1, ...cell.train, seed };
  const milestone = milestoneOf(settings);
  const train = { ...settings, checkpointEvery: milestone };
  const folder = path.join(work, 'training');
  await rm(folder, { recursive: true, force: true });
  const material = await materialOf(lab, scenes.curated.get(seed)!, cell, work);
  const curve: CellResult['curve'] = [];
  const steps: StepTelemetry[] = [];
  const every = tunes || cell.guidances ? train.steps : milestone;
  for (let upTo = every; upTo < train.steps + every; upTo += every) {
    await trainPairs({
      engine: lab.engine,
      model: lab.base,
      settings: { ...train, steps: Math.min(upTo, train.steps) },
      ...{ ...material, folder, trajectories: path.join(work, 'trajectories') },
      onProgress(progress) {
        if (progress.phase !== 'train') return;
        steps.push(progress.telemetry);
        onStep(progress.done);
      },
    });
    if (upTo >= train.steps) break;
    const tuned = await lab.load(path.join(folder, 'model'));
    curve.push({ step: upTo, reward: await quickReward(lab, tuned, measuredOn, seed) });
    tuned.dispose();
  }
  const tuned = await lab.load(path.join(folder, 'model'));
  const { quick, result } = await measure(tuned);
  tuned.dispose();
  await rm(folder, { recursive: true, force: true });
  curve.push({ step: train.steps, reward: quick });
  return { pairs: material.pairs.length, curve, ...result, ...told(steps) };
}

/** On policy a training goes on from the end of a round alone. */
function milestoneOf({ objective, onPolicy = DEFAULT_ON_POLICY }: TrainSettings): number {
  const together = isOnPolicy(objective) ? onPolicy.stepsPerRound : 1;
  return Math.ceil(MILESTONE / together) * together;
}

/** What a training learns from: pairs of candidates, or scenes that it draws itself and a judge of them. */
async function materialOf(lab: Lab, curated: readonly Annotation[], cell: Cell, work: string) {
  const images = path.join(work, `candidates-${cell.seed}`);
  const candidates = await candidatesOf(lab, curated, cell.seed, images);
  const reward = await createReward(
    cell.reward,
    candidates.map(({ metrics }) => metrics),
  );
  // The ground truth is for measuring alone.
  const rewarded = candidates.map(({ metrics: { exact: _, ...metrics }, ...candidate }) => ({
    ...candidate,
    metrics,
    reward: reward(metrics),
  }));
  return {
    candidates: candidates.map((candidate) => asTrainCandidate(candidate, images)),
    pairs: formPairs(rewarded, cell.pairs, cell.reward.policy === 'dominance'),
    scenes: curated.map((annotation) => ({
      id: annotation.img_id,
      prompt: textPrompt(promptText(annotation)),
    })),
    judge: createJudge({
      ...{ ports: lab.ports, mode: 'fixed', reward },
      annotations: Object.fromEntries(curated.map((annotation) => [annotation.img_id, annotation])),
    }),
  };
}

/** All metrics of images, `samples` of each scene in turn. */
async function measureImages(
  lab: Lab,
  scenes: readonly Annotation[],
  samples: number,
  draws: readonly Draw[],
  images: readonly RgbImage[],
) {
  const values = await lab.measure(draws, images);
  const rewards = rewardsOf(values);
  const perScene = (of: readonly number[]) => meanPerScene(of, samples);
  const names = Object.keys(values[0]!).filter((name) => values.every((of) => name in of));
  const measured: Measured = {
    reward: perScene(rewards),
    ...Object.fromEntries(names.map((name) => [name, perScene(values.map((of) => of[name]!))])),
  };
  const quick = rewards.filter((_, k) => k % samples === 0).slice(0, scenes.length / 2);
  return {
    measured,
    diversity: samples > 1 ? diversityOf(lab.features(images), samples) : null,
    quick: rounded(mean(quick)),
  };
}

/** Values of images, `samples` of each scene in turn. */
const meanPerScene = (values: readonly number[], samples: number): number[] =>
  Array.from({ length: values.length / samples }, (_, i) =>
    rounded(mean(values.slice(i * samples, (i + 1) * samples))),
  );

/** The mean reward of the first image of each of the first half of the scenes. */
async function quickReward(
  lab: Lab,
  model: DiffusionModel,
  scenes: readonly Annotation[],
  seed: number,
): Promise<number> {
  const draws = drawsOf(scenes.slice(0, scenes.length / 2), 1, seed);
  const values = await lab.measure(draws, lab.draw(model, draws));
  return rounded(mean(rewardsOf(values)));
}

function drawsOf(scenes: readonly Annotation[], samples: number, seed: number) {
  return scenes.flatMap((annotation) =>
    Array.from({ length: samples }, (_, sample) => ({
      annotation,
      seed: hashSeed('study-measure', seed, annotation.img_id, sample),
    })),
  );
}

function rewardsOf(values: readonly MetricValues[]): number[] {
  const unscaled = { mean: 0, deviation: 1 };
  const reward = rewardOn(REWARD, { dpg: unscaled, 't2i-3in1': unscaled });
  return values.map((of) => reward(of)!);
}

function told(steps: readonly StepTelemetry[]): Pick<CellResult, 'telemetry' | 'secondsPerStep'> {
  const groups = Array.from({ length: Math.ceil(steps.length / TOLD_EVERY) }, (_, i) =>
    steps.slice(i * TOLD_EVERY, (i + 1) * TOLD_EVERY),
  );
  // An on-policy step has no errors, and ddpo's no accuracy.
  const known = TOLD.filter((name) => steps.every((step) => name in step));
  const value = (step: StepTelemetry, name: Told) => (step as unknown as Record<Told, number>)[name];
  const telemetry = Object.fromEntries(
    known.map((name) => [name, groups.map((group) => rounded(mean(group.map((step) => value(step, name)))))]),
  );
  return {
    telemetry,
    secondsPerStep: steps.length > 0 ? rounded(mean(steps.map(({ seconds }) => seconds))) : null,
  };
}

/** Of the first two images of each scene. */
function diversityOf(features: readonly Float32Array[], samples: number): number {
  const firsts = features.flatMap((feature, k) =>
    k % samples === 0 ? [1 - cosine(feature, features[k + 1]!)] : [],
  );
  return rounded(mean(firsts));
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

const rounded = (x: number) => Number(x.toPrecision(4));

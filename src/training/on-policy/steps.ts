/**
 * Optimizer steps on images that the policy draws itself, in rounds: draw, score, some optimizer steps on what was drawn.
 * Every step of a round needs the weights that drew it, so a run goes on from the end of a round: it then draws the next
 * one again as it was. What is to be remembered across rounds are the rewards, a line a round in rewards.jsonl.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { disposeWeights } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../../models/text-condition.ts';
import { pairBatch } from '../../preference/pairs.ts';
import { hashSeed } from '../../random.ts';
import { parts } from '../parts.ts';
import type { Policy } from '../policy.ts';
import { DEFAULT_ON_POLICY, type OnPolicyObjective, type TrainSettings } from '../settings.ts';
import type { OpenSteps } from '../steps.ts';
import { openTelemetry } from '../telemetry.ts';
import { type Lesson, ON_POLICY } from './objective.ts';
import { drawRound, noisySteps, type Trajectory } from './round.ts';
import { type OnPolicyBatch, takeOnPolicyStep } from './step.ts';

type OnPolicyTrainSettings = TrainSettings & { objective: OnPolicyObjective };

interface Round {
  number: number;
  trajectories: Trajectory[];
  lessons: Lesson[];
  /** Mean of those that are known. */
  reward: number;
}

/** A line of rewards.jsonl. */
interface RoundRewards {
  /** The first step on the round. */
  step: number;
  /** By image. */
  scenes: string[];
  rewards: (number | null)[];
}

export const openOnPolicySteps: OpenSteps<OnPolicyTrainSettings> = async (options, schedule, fromStep) => {
  const { engine, model, settings, scenes = [], judge, folder, onProgress } = options;
  const { tf } = engine;
  const { seed, guidance } = settings;
  const { samplingSteps, scenesPerRound, stepsPerRound } = settings.onPolicy ?? DEFAULT_ON_POLICY;
  const objective = ON_POLICY[settings.objective];
  if (!judge || scenes.length === 0) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `train.objective "${settings.objective}" draws images and has them scored: it needs a judge and scenes, and has ${judge ? 'a' : 'no'} judge and ${scenes.length} scenes`,
    );
  }
  await mkdir(folder, { recursive: true });
  const lessonsOf = objective.lessons();
  const remember = await openTelemetry<RoundRewards>(
    path.join(folder, 'rewards.jsonl'),
    fromStep,
    ({ scenes: of, rewards }) => void lessonsOf(of.map((scene, i) => ({ scene, reward: rewards[i]! }))),
  );
  const noisy = noisySteps(schedule, samplingSteps);
  const { config, weights: reference } = model.unet;
  const shape = [config.sampleSize, config.sampleSize, config.inChannels];
  const size = shape.reduce((product, n) => product * n, 1);
  const rows = 2 * settings.pairsPerStep * ((settings.rowsPerPair ?? 1) as number);
  const empty = encodeEmpty(engine, model);
  let round: Round | null = null;

  /** Each scene of a round twice, one behind the other. */
  function drawingsOf(number: number) {
    const chosen = pairBatch(scenes.length, scenesPerRound, hashSeed('scenes', seed), number);
    return chosen.flatMap((index, place) =>
      [0, 1].map((image) => {
        const own = hashSeed('drawing', seed, number, place, image);
        const startSeed = objective.sharedStart ? hashSeed('drawing', seed, number, place) : own;
        return { scene: scenes[index]!, startSeed: hashSeed('start', startSeed), stepSeed: own };
      }),
    );
  }

  async function draw(number: number, policy: Policy): Promise<Round> {
    const weights = policy.weights();
    const trajectories = await drawRound({
      ...{ engine, model, weights, schedule, samplingSteps, guidance, judge: judge! },
      drawings: drawingsOf(number),
      onProgress: (done, total) => onProgress({ phase: 'draw', done, total }),
    }).finally(() => disposeWeights(weights));
    const drawn = trajectories.map(({ scene, reward }) => ({ scene: scene.id, reward }));
    const lessons = lessonsOf(drawn);
    if (lessons.length === 0) {
      throw new DiptychError(
        'DIPTYCH_INVALID_INPUT',
        `of ${drawn.length} images drawn for steps from ${number * stepsPerRound + 1} on none has a reward to learn from: a metric that the reward weighs is missing`,
      );
    }
    remember({
      step: number * stepsPerRound + 1,
      scenes: drawn.map(({ scene }) => scene),
      rewards: drawn.map(({ reward }) => reward),
    });
    const known = drawn.flatMap(({ reward }) => reward ?? []);
    return { number, trajectories, lessons, reward: known.reduce((sum, x) => sum + x, 0) / known.length };
  }

  /** The rows of some lessons at one sampling step each. */
  function batchOf(
    { trajectories }: Round,
    chosen: readonly { lesson: Lesson; at: number }[],
  ): OnPolicyBatch {
    const taken = Array.from({ length: objective.images }, (_, side) =>
      chosen.map(({ lesson, at }) => ({ trajectory: trajectories[lesson.images[side]!]!, at })),
    ).flat();
    const stacked = (offset: number) => {
      const values = new Float32Array(taken.length * size);
      for (const [i, { trajectory, at }] of taken.entries())
        values.set(trajectory.states.subarray((at + offset) * size, (at + offset + 1) * size), i * size);
      return tf.tensor(values, [taken.length, ...shape], 'float32');
    };
    return {
      x: stacked(0),
      next: stacked(1),
      timesteps: taken.map(({ at }) => noisy[at]!.t),
      factors: taken.map(({ at }) => noisy[at]!.factors),
      logDensities: taken.map(({ trajectory, at }) => trajectory.logDensities[at]!),
      condition: encodePrompts(
        engine,
        model,
        taken.map(({ trajectory }) => trajectory.scene.prompt),
      ),
      empty,
      signals: chosen.map(({ lesson }) => lesson.signal),
    };
  }

  return {
    together: stepsPerRound,
    async take(step, policy, learningRate) {
      const number = Math.floor((step - 1) / stepsPerRound);
      if (round?.number !== number) round = await draw(number, policy);
      const current = round;
      const chosen = pairBatch(
        current.lessons.length * noisy.length,
        rows / objective.images,
        hashSeed('round', seed, number),
        (step - 1) % stepsPerRound,
      ).map((i) => ({
        lesson: current.lessons[Math.floor(i / noisy.length)]!,
        at: i % noisy.length,
      }));
      const batches = parts(chosen, settings.accumulate).map((part) => batchOf(current, part));
      const models = { config, schedule, policy, reference };
      const outcome = takeOnPolicyStep(engine, models, settings, batches, learningRate);
      for (const { x, next, condition } of batches) {
        tf.dispose([x, next]);
        disposeCondition(condition);
      }
      return { ...outcome, reward: current.reward };
    },
    async close() {
      disposeCondition(empty);
    },
  };
};

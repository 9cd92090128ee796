/**
 * Optimizer steps on images that the policy draws itself, in rounds: draw, score, some optimizer steps on what was drawn.
 * Every step of a round needs the weights that drew it, so a run goes on from the end of a round: it then draws the next
 * one again as it was. What is to be remembered across rounds are the rewards, a line a round in rewards.jsonl.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { disposeWeights } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { mean } from '../../mean.ts';
import { disposeCondition, encodeEmpty } from '../../models/inputs/text-condition.ts';
import { parts } from '../parts.ts';
import type { Policy } from '../policy.ts';
import { DEFAULT_ON_POLICY, type OnPolicyObjective, type TrainSettings } from '../settings.ts';
import type { OpenSteps } from '../steps.ts';
import { openTelemetry } from '../telemetry/telemetry.ts';
import { disposeBatch, loadBatch } from './batch.ts';
import { type Lesson, ON_POLICY } from './objective.ts';
import { planDrawings, planLessons } from './plan.ts';
import { drawRound, noisySteps, type Trajectory } from './round.ts';
import { type OnPolicyStep, onPolicyStep } from './step.ts';

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
  const rows = 2 * settings.pairsPerStep * ((settings.rowsPerPair ?? 1) as number);
  const empty = encodeEmpty(engine, model);
  let round: Round | null = null;
  let takeStep: OnPolicyStep | undefined;

  async function draw(number: number, policy: Policy): Promise<Round> {
    const weights = policy.weights();
    const trajectories = await drawRound({
      ...{ engine, model, weights, schedule, samplingSteps, guidance, judge: judge! },
      drawings: planDrawings(scenes, { scenesPerRound }, objective, seed, number),
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
    return { number, trajectories, lessons, reward: mean(known) };
  }

  return {
    together: stepsPerRound,
    async take(step, policy, learningRate) {
      const number = Math.floor((step - 1) / stepsPerRound);
      const known = round?.number === number ? round : null;
      round = known ?? (await draw(number, policy));
      const { trajectories, lessons, reward } = round;
      const inRound = (step - 1) % stepsPerRound;
      const chosen = planLessons(lessons, noisy.length, rows / objective.images, seed, number, inRound);
      const batches = parts(chosen, settings.accumulate).map((part) =>
        loadBatch(engine, model, trajectories, noisy, part, empty),
      );
      const { config, weights: reference } = model.unet;
      takeStep ??= onPolicyStep(engine, { config, schedule, policy, reference }, settings);
      const outcome = takeStep(batches, learningRate);
      for (const batch of batches) disposeBatch(engine, batch);
      return {
        ...outcome,
        reward,
        policyEvaluations: rows + (known ? 0 : trajectories.length * samplingSteps),
        referenceEvaluations: objective.ratioTo === 'reference' ? rows : 0,
      };
    },
    done: async () => {},
    close: () => disposeCondition(empty),
  };
};

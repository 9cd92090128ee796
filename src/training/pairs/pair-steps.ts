/**
 * Optimizer steps on pairs of images that are there. First every candidate that a pair needs is inverted under the
 * reference, once; then each step takes its batch from a seeded stream of pairs.
 */
import { withBfloat16 } from '../../engine/engine.ts';
import { DiptychError } from '../../errors.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../../models/inputs/text-condition.ts';
import { type Pair, pairBatch, pairedCandidates } from '../../preference/pairs.ts';
import { createRandom, hashSeed } from '../../random.ts';
import { stepEvaluations } from '../evaluations.ts';
import { parts } from '../parts.ts';
import type { PairTrainSettings } from '../settings.ts';
import type { OpenSteps } from '../steps.ts';
import { timestepBuckets } from '../telemetry/timestep-buckets.ts';
import { invertCandidates, type TrainCandidate } from './invert-candidates.ts';
import { pairFactors } from './pair-factors.ts';
import { planRows } from './rows.ts';
import { type PreferenceStep, preferenceStep, type StepBatch } from './step.ts';
import { disposeRows, loadRows } from './step-rows.ts';

export const openPairSteps: OpenSteps<PairTrainSettings> = async (options, schedule) => {
  const { engine, model, settings, pairs, folder, onProgress } = options;
  const { trajectories: shared, trajectoryBytes } = options;
  checkPairs(settings, pairs);
  const stepEngine = settings.precision === 'bfloat16' ? withBfloat16(engine) : engine;
  const candidates = neededCandidates(options.candidates, pairs);
  const total = candidates.length;
  const trajectories = await invertCandidates({
    ...{ engine, model, settings, schedule, candidates, folder, trajectories: shared, trajectoryBytes },
    onProgress: (done, evaluations) => onProgress({ phase: 'invert', done, total, evaluations }),
  });
  const index = new Map(candidates.map(({ id }, i) => [id, i]));
  const factors = pairFactors(settings, pairs);
  const promptOf = new Map(candidates.map(({ id, prompt }) => [id, prompt]));
  const { config, weights: reference } = model.unet;
  const empty = encodeEmpty(engine, model);
  // Of the one policy that the run has.
  let takeStep: PreferenceStep | undefined;
  return {
    together: 1,
    async take(step, policy, learningRate) {
      const chosen = pairBatch(pairs.length, settings.pairsPerStep, settings.seed, step - 1);
      const random = createRandom(hashSeed('train-step', settings.seed, step));
      const batches: StepBatch[] = [];
      for (const part of parts(chosen, settings.accumulate)) {
        const batch = part.map((i) => pairs[i]!);
        const plans = batch.map(() => planRows(settings, schedule, random));
        const rows = await loadRows(engine, trajectories, index, batch, plans);
        const prompts = batch.map(({ winner }) => promptOf.get(winner)!);
        const condition = encodePrompts(engine, model, prompts);
        batches.push({ rows, condition, empty, factors: part.map((i) => factors[i]!) });
      }
      takeStep ??= preferenceStep(stepEngine, { config, policy, reference }, settings);
      const { rows: seen, ...outcome } = takeStep(batches, learningRate);
      for (const { rows, condition } of batches) {
        disposeCondition(condition);
        disposeRows(rows);
      }
      return {
        ...outcome,
        margin: outcome.winnerError - outcome.loserError,
        ...stepEvaluations(batches.map(({ rows }) => rows)),
        buckets: timestepBuckets(seen, schedule.trainSteps),
      };
    },
    done: () => trajectories.release(),
    close: () => disposeCondition(empty),
  };
};

function checkPairs({ rewardWeighted, objective }: PairTrainSettings, pairs: readonly Pair[]): void {
  if (pairs.length === 0) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      'there are no pairs to train on: every difference of rewards is within the margin. Lower `pairs.margin`.',
    );
  }
  const byReward = pairs.filter(({ votes }) => votes === null);
  const allEqual = byReward.length > 0 && byReward.every(({ margin }) => margin === 0);
  if ((rewardWeighted || objective === 'smpo') && allEqual) {
    const who = rewardWeighted ? 'train.rewardWeighted' : 'train.objective "smpo"';
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `${who} goes by the difference of rewards, and every pair's rewards are equal`,
    );
  }
}

/** Candidates that some pair mentions, in the order of the list. */
function neededCandidates(candidates: readonly TrainCandidate[], pairs: readonly Pair[]): TrainCandidate[] {
  const mentioned = pairedCandidates(pairs);
  return candidates.filter(({ id }) => mentioned.has(id));
}

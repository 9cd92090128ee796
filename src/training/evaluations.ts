/**
 * What training costs in evaluations of the UNet. One is of one image; with guidance its two rows count once, as the
 * released code has both in one call. Backward passes are not counted: every evaluation of the policy in a loss has one,
 * here and there.
 */
import { OBJECTIVE } from './pairs/objective.ts';
import type { StepRows } from './pairs/step-rows.ts';
import { isOnPolicy, type TrainSettings } from './settings.ts';

/**
 * Of a pair in a step of the released Inversion-DPO code (MIGHTYEZ/Inversion-DPO: train_ddim.py, 80 inversion steps): both
 * images are inverted anew under the reference, and the policy predicts at every state of that.
 */
export const RELEASED_EVALUATIONS = { policy: 160, reference: 160 } as const;

export interface StepEvaluations {
  policyEvaluations: number;
  referenceEvaluations: number;
}

/** Of one optimizer step on these micro-batches. */
export function stepEvaluations(
  batches: readonly Pick<StepRows, 'timesteps' | 'ascents'>[],
): StepEvaluations {
  const sum = (of: (rows: (typeof batches)[number]) => number) =>
    batches.reduce((total, rows) => total + of(rows), 0);
  const images = sum(({ timesteps }) => 2 * timesteps.length);
  // All rows climb as long as the longest does; renoise predicts twice.
  const climbing = sum(
    ({ ascents }) =>
      (ascents ?? []).length *
      Math.max(0, ...(ascents ?? []).map(({ steps, renoise }) => steps.length * (renoise ? 2 : 1))),
  );
  return { policyEvaluations: images + climbing, referenceEvaluations: images };
}

export interface PairEvaluations {
  policy: number;
  reference: number;
  /** Of each image's inversion, made once, shared out over all pairs of all steps. */
  inversion: number;
}

/** Of one pair in one step, as a mean over a run's steps. `images`: that the run's pairs are made of. */
export function pairEvaluations(
  {
    objective,
    inversionSteps,
    pairsPerStep,
  }: Pick<TrainSettings, 'objective' | 'inversionSteps' | 'pairsPerStep'>,
  steps: readonly StepEvaluations[],
  images: number,
): PairEvaluations {
  const pairs = steps.length * pairsPerStep;
  const perPair = (of: keyof StepEvaluations) => steps.reduce((sum, step) => sum + step[of], 0) / pairs;
  const inverts = !isOnPolicy(objective) && OBJECTIVE[objective].states === 'inverted';
  return {
    policy: perPair('policyEvaluations'),
    reference: perPair('referenceEvaluations'),
    inversion: inverts ? (images * inversionSteps) / pairs : 0,
  };
}

/** The same in words, beside the released code's. */
export function evaluationsText({ policy, reference, inversion }: PairEvaluations): string {
  const rounded = (value: number) => Number(value.toPrecision(3));
  const { policy: theirs, reference: andTheirs } = RELEASED_EVALUATIONS;
  return `${rounded(policy)} of the policy, ${rounded(reference)} of the reference, ${rounded(inversion)} of inversions made once (released code: ${theirs} and ${andTheirs})`;
}

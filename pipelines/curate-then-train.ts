/** curate-then-train: the whole loop in one run. */
import type { StagePlan } from '../src/jobs/runs.ts';
import { curate } from './curate.ts';
import { evaluate } from './evaluate.ts';
import type { PlanInput } from './stages.ts';
import { train } from './train.ts';

export function curateThenTrain(input: PlanInput): StagePlan[] {
  return [...curate(input), ...train(input), ...evaluate(input)];
}

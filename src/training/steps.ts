/** What the training loop (train.ts) asks of an objective: an optimizer step at a time, wherever its rows come from. */
import type { Schedule } from '../diffusion/schedule.ts';
import type { Policy } from './policy.ts';
import type { OnPolicyTelemetry, PairTelemetry } from './telemetry/telemetry.ts';
import type { TrainOptions } from './train-options.ts';

export interface Steps {
  /** Steps that go together: a checkpoint is only written behind the last of them. */
  together: number;
  /** Optimizer step `step`, from 1, in order. A function of the settings, the number and the policy's weights. */
  take(step: number, policy: Policy, learningRate: number): Promise<PairTelemetry | OnPolicyTelemetry>;
  /** Behind the last step, when the model is written: what only a run under way needs may go. */
  done(): Promise<void>;
  close(): void;
}

/** @param fromStep the last step that is in the policy already: 0, or that of a checkpoint */
export type OpenSteps<Settings> = (
  options: Omit<TrainOptions, 'settings'> & { settings: Settings },
  schedule: Schedule,
  fromStep: number,
) => Promise<Steps>;

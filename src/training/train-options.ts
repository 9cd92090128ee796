/** What a training is given, and what it tells on the way. */
import type { Engine } from '../engine/engine.ts';
import type { DiffusionModel } from '../models/folders/model-folder.ts';
import type { Pair } from '../preference/pairs.ts';
import type { Judge, Scene } from './judge.ts';
import type { TrainCandidate } from './pairs/invert-candidates.ts';
import type { TrainSettings } from './settings.ts';
import type { Alarm } from './telemetry/alarms.ts';
import type { StepTelemetry } from './telemetry/telemetry.ts';
import type { ValidationProgress, ValidationScenes } from './validation/validation.ts';

export interface TrainOptions {
  engine: Engine;
  model: DiffusionModel;
  settings: TrainSettings;
  /** Images that there are, and the pairs of them; on-policy objectives look at neither. */
  candidates: readonly TrainCandidate[];
  pairs: readonly Pair[];
  /** What on-policy objectives draw. */
  scenes?: readonly Scene[];
  /** Folder of checkpoints, telemetry, the final model and, while it trains, of its trajectories. */
  folder: string;
  /**
   * Folder outside `folder` of trajectories that runs share, so that each candidate is inverted once; absent: `folder`
   * keeps them.
   */
  trajectories?: string;
  /** Most bytes in it between runs; absent: any. A run under way has what it needs, whatever the number. */
  trajectoryBytes?: number;
  /** Measures the policy's images; needed by what draws while it trains. */
  judge?: Judge;
  /** What the policy is measured on when `settings.validation` says so. */
  validation?: ValidationScenes;
  /** Called after every piece of work; throws to stop, DIPTYCH_PAUSED to stop behind a checkpoint of the step. */
  onProgress(progress: TrainProgress): void | Promise<void>;
}

export type TrainProgress =
  /** `evaluations`: of the UNet on an image, that the inversion took since the call. */
  | { phase: 'invert'; done: number; total: number; evaluations: number }
  /** Of the sampling steps of a round's batches. */
  | { phase: 'draw'; done: number; total: number }
  | {
      phase: 'train';
      done: number;
      total: number;
      telemetry: StepTelemetry;
      alarms: Alarm[];
      /** Whether there is a checkpoint of this step now. */
      checkpoint: boolean;
    }
  | ValidationProgress;

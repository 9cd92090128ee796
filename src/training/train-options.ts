/** What a training is given, and what it tells on the way. */
import type { Engine } from '../engine/engine.ts';
import type { DiffusionModel } from '../models/model-folder.ts';
import type { Pair } from '../preference/pairs.ts';
import type { Alarm } from './alarms.ts';
import type { TrainCandidate } from './invert-candidates.ts';
import type { Judge, Scene } from './judge.ts';
import type { TrainSettings } from './settings.ts';
import type { StepTelemetry } from './telemetry.ts';
import type { ValidationProgress, ValidationScenes } from './validation.ts';

export interface TrainOptions {
  engine: Engine;
  model: DiffusionModel;
  settings: TrainSettings;
  /** Images that there are, and the pairs of them; on-policy objectives look at neither. */
  candidates: readonly TrainCandidate[];
  pairs: readonly Pair[];
  /** What on-policy objectives draw. */
  scenes?: readonly Scene[];
  /** Folder of trajectories, checkpoints, telemetry and the final model. */
  folder: string;
  /** Measures the policy's images; needed by what draws while it trains. */
  judge?: Judge;
  /** What the policy is measured on when `settings.validation` says so. */
  validation?: ValidationScenes;
  /** Called after every piece of work; throws to stop. */
  onProgress(progress: TrainProgress): void | Promise<void>;
}

export type TrainProgress =
  | { phase: 'invert'; done: number; total: number }
  /** Of the sampling steps of a round's batches. */
  | { phase: 'draw'; done: number; total: number }
  | { phase: 'train'; done: number; total: number; telemetry: StepTelemetry; alarms: Alarm[] }
  | ValidationProgress;

/** What a preference run can be told, with the defaults that were measured (docs/training.md). */
import {
  INVERSION_FORMS,
  type InversionForm,
  TIMESTEP_WEIGHTS,
  type TimestepWeights,
} from './objectives/inversion-dpo.ts';

/** Those that learn from pairs of images that are there: objective.ts. */
export const PAIR_OBJECTIVES = [
  'inversion-dpo',
  'diffusion-dpo',
  'inpo',
  'smpo',
  'dspo',
  'kto',
  'mapo',
  'sft',
] as const;
/** Those that learn from images that the policy draws as it learns: on-policy/objective.ts. */
export const ON_POLICY_OBJECTIVES = ['ddpo', 'd3po'] as const;
export const OBJECTIVES = [...PAIR_OBJECTIVES, ...ON_POLICY_OBJECTIVES] as const;
export type PairObjective = (typeof PAIR_OBJECTIVES)[number];
export type OnPolicyObjective = (typeof ON_POLICY_OBJECTIVES)[number];
export const OPTIMIZERS = ['adamw', 'adafactor'] as const;
export const PRECISIONS = ['float32', 'bfloat16'] as const;
export const SCHEDULES = ['constant', 'cosine'] as const;
export { INVERSION_FORMS, TIMESTEP_WEIGHTS };

export interface TrainSettings {
  objective: (typeof OBJECTIVES)[number];
  /** Of inversion-dpo; the others have only one form. */
  form: InversionForm;
  /** Transitions of `form: "transition"` span so many grid points. */
  stride: number;
  /** Weight of each timestep in inversion-dpo; absent: the released code's in its own forms, none in the others. */
  timestepWeights?: TimestepWeights;
  /**
   * Timesteps of each pair in a step, averaged before the sigmoid where the objective has one; "trajectory": all that
   * the inversion has. Absent: the whole trajectory in the published forms, 1 in the others.
   */
  rowsPerPair?: number | 'trajectory';
  /** Weigh the loss of a pair by its reward margin, in units of the mean margin. */
  rewardWeighted: boolean;
  /** Strength of the tie to the reference; larger stays closer. Of mapo and dspo: weight of the preference. */
  beta: number;
  /** Classifier-free guidance of the inversion and of both models' predictions; 1: none. */
  guidance: number;
  /** Grid points of a trajectory. */
  inversionSteps: number;
  /**
   * So many timesteps of each trajectory are stored, evenly spaced, the same for all candidates, and rows are at these
   * alone: less disk. Absent: all.
   */
  keptTimesteps?: number;
  /** Optimizer steps. */
  steps: number;
  pairsPerStep: number;
  /** Micro-batches that a step's pairs are computed in, one after the other; divides `pairsPerStep`. */
  accumulate: number;
  optimizer: (typeof OPTIMIZERS)[number];
  learningRate: number;
  /** Steps over which the learning rate rises from 0. */
  warmUp: number;
  /** What the learning rate does after that. */
  schedule: (typeof SCHEDULES)[number];
  weightDecay: number;
  maxGradNorm: number;
  /** Decay of an average of the trained parameters, which then is the tuned model; absent: no average. */
  ema?: number;
  /** Patterns of parameter names that stay as they are, `*` standing for anything; absent: none. */
  freeze?: string[];
  checkpointEvery: number;
  /** Recompute the UNet's blocks in the backward pass: less memory, up to a third more time. */
  gradientCheckpointing: boolean;
  /** Of products of matrices and convolutions in an optimizer step; weights, sums and all else stay float32. */
  precision: (typeof PRECISIONS)[number];
  /** Train a LoRA instead of all weights; absent: all weights. */
  lora?: LoraSettings;
  /** Measure the policy's images while it trains; absent: never. */
  validation?: ValidationSettings;
  /** Of the on-policy objectives; absent: their defaults. */
  onPolicy?: OnPolicySettings;
  seed: number;
}

/** Settings of training on pairs. */
export type PairTrainSettings = TrainSettings & { objective: PairObjective };

/** A round: the policy as it is draws images, which are scored and then trained on for some optimizer steps. */
export interface OnPolicySettings {
  /** DDIM steps of an image, with eta 1. */
  samplingSteps: number;
  /** Scenes of a round; each is drawn twice. */
  scenesPerRound: number;
  /** Optimizer steps on the sampling steps of a round, which all come once before any comes twice. */
  stepsPerRound: number;
}

export const TUNED_CHOICES = ['best', 'last'] as const;

export interface ValidationSettings {
  /** Optimizer steps between two measurements; step 0, the base, and the last step are measured too. */
  every: number;
  /** Annotations that are measured on, and that no pair is of. */
  annotations: number;
  /** Which weights are the tuned model: those of the measured step with the highest reward, or the last. */
  tuned: (typeof TUNED_CHOICES)[number];
}

export interface LoraSettings {
  rank: number;
  /** The change is scaled by alpha / rank; absent: as the rank, so by 1. */
  alpha?: number;
  /** Adapt every convolution too, not the attention layers alone. */
  convolutions: boolean;
}

/** Settings whose good values hang on what is minimised. */
export type ObjectiveSettings = Pick<TrainSettings, 'beta' | 'guidance'>;

const unguided = (beta: number): ObjectiveSettings => ({ beta, guidance: 1 });
/** The sample model's guidance: an on-policy objective learns from images drawn as they will be drawn. */
const GUIDED = 3;
/** Of an objective that has no beta. */
const UNUSED = 1;

/** The best that docs/study.md found where it tuned the objective, else as released. */
const OBJECTIVE_SETTINGS: Record<
  Exclude<TrainSettings['objective'], 'inversion-dpo'> | InversionForm,
  ObjectiveSettings
> = {
  'shared-noise': { beta: 300, guidance: GUIDED },
  transition: unguided(8000),
  endpoint: unguided(8000),
  published: unguided(2000),
  negated: unguided(2000),
  'diffusion-dpo': unguided(2000),
  inpo: unguided(8000),
  smpo: unguided(8000),
  dspo: unguided(0.03),
  kto: unguided(1000),
  mapo: unguided(0.02),
  sft: unguided(UNUSED),
  ddpo: { beta: UNUSED, guidance: GUIDED },
  d3po: { beta: 0.1, guidance: GUIDED },
};

/** What an objective, and of inversion-dpo its form, takes where a run does not say. */
export const objectiveSettings = ({
  objective,
  form,
}: Pick<TrainSettings, 'objective' | 'form'>): ObjectiveSettings =>
  OBJECTIVE_SETTINGS[objective === 'inversion-dpo' ? form : objective];

export const DEFAULT_TRAIN: PairTrainSettings = {
  objective: 'inversion-dpo',
  form: 'shared-noise',
  ...OBJECTIVE_SETTINGS['shared-noise'],
  stride: 4,
  rewardWeighted: false,
  inversionSteps: 20,
  steps: 200,
  pairsPerStep: 16,
  accumulate: 1,
  optimizer: 'adamw',
  learningRate: 1.5e-5,
  warmUp: 20,
  schedule: 'constant',
  weightDecay: 0.01,
  maxGradNorm: 1,
  checkpointEvery: 50,
  gradientCheckpointing: false,
  precision: 'float32',
  seed: 1,
};

export const DEFAULT_LORA: LoraSettings = { rank: 8, convolutions: false };
export const DEFAULT_VALIDATION: ValidationSettings = { every: 50, annotations: 32, tuned: 'best' };
export const DEFAULT_ON_POLICY: OnPolicySettings = {
  samplingSteps: 20,
  scenesPerRound: 16,
  stepsPerRound: 2,
};

export const isOnPolicy = (objective: TrainSettings['objective']): objective is OnPolicyObjective =>
  (ON_POLICY_OBJECTIVES as readonly string[]).includes(objective);

/** Linear warm-up, then constant, or half a cosine that would reach 0 one step after the last; step counts from 1. */
export function learningRateAt(
  { learningRate, warmUp, schedule, steps }: TrainSettings,
  step: number,
): number {
  if (schedule === 'cosine' && step > warmUp)
    return (learningRate * (1 + Math.cos((Math.PI * (step - 1 - warmUp)) / (steps - warmUp)))) / 2;
  return learningRate * Math.min(1, step / Math.max(1, warmUp));
}

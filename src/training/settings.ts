/** What a preference run can be told, with the defaults that were measured (docs/training.md). */
import { INVERSION_FORMS, type InversionForm } from './objectives/inversion-dpo.ts';

export const OBJECTIVES = ['inversion-dpo', 'diffusion-dpo'] as const;
export { INVERSION_FORMS };

export interface TrainSettings {
  objective: (typeof OBJECTIVES)[number];
  /** Of inversion-dpo; diffusion-dpo has only one form. */
  form: InversionForm;
  /** Transitions of `form: "transition"` span so many grid points. */
  stride: number;
  /** Strength of the tie to the reference; larger stays closer. */
  beta: number;
  /** Classifier-free guidance of the inversion and of both models' predictions; 1: none. */
  guidance: number;
  /** Grid points of a trajectory. */
  inversionSteps: number;
  /** Optimizer steps. */
  steps: number;
  pairsPerStep: number;
  learningRate: number;
  /** Steps over which the learning rate rises from 0. */
  warmUp: number;
  weightDecay: number;
  maxGradNorm: number;
  checkpointEvery: number;
  /** Recompute the UNet's blocks in the backward pass: less memory, up to a third more time. */
  gradientCheckpointing: boolean;
  /** Train a LoRA instead of all weights; absent: all weights. */
  lora?: LoraSettings;
  seed: number;
}

export interface LoraSettings {
  rank: number;
  /** The change is scaled by alpha / rank; absent: as the rank, so by 1. */
  alpha?: number;
  /** Adapt every convolution too, not the attention layers alone. */
  convolutions: boolean;
}

export const DEFAULT_TRAIN: TrainSettings = {
  objective: 'inversion-dpo',
  form: 'shared-noise',
  stride: 4,
  beta: 2000,
  guidance: 1,
  inversionSteps: 20,
  steps: 200,
  pairsPerStep: 16,
  learningRate: 1e-5,
  warmUp: 20,
  weightDecay: 0.01,
  maxGradNorm: 1,
  checkpointEvery: 50,
  gradientCheckpointing: false,
  seed: 1,
};

export const DEFAULT_LORA: LoraSettings = { rank: 8, convolutions: false };

/** Linear warm-up, then constant; step counts from 1. */
export function learningRateAt(settings: TrainSettings, step: number): number {
  return settings.learningRate * Math.min(1, step / Math.max(1, settings.warmUp));
}

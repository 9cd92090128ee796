/** What the study compares. Every objective is tuned over as many settings: three learning rates, then two other betas. */
import type { TrainSettings } from '../../src/training/settings.ts';
import { GUIDANCE } from './lab.ts';

export interface Arm {
  name: string;
  train: Partial<TrainSettings>;
  /** The middle one is tried with every learning rate; null: the objective has none, and gets two more rates instead. */
  betas: readonly [low: number, middle: number, high: number] | null;
}

/** A factor of three apart, about the 1e-5 that was found to be near a good one. */
export const LEARNING_RATES = [5e-6, 1.5e-5, 4.5e-5] as const;
export const MORE_RATES = [1.5e-6, 1.35e-4] as const;

const TIE: Arm['betas'] = [500, 2000, 8000];
/** Both models' predictions as they are sampled with. Their errors are several times as large, so betas are smaller. */
const GUIDED = { guidance: GUIDANCE } as const;
const GUIDED_TIE: Arm['betas'] = [75, 300, 1200];
/** As many images as the others have candidates, 800: 25 rounds of 16 scenes drawn twice, six optimizer steps each. */
const ON_POLICY = {
  ...GUIDED,
  onPolicy: { samplingSteps: 20, scenesPerRound: 16, stepsPerRound: 6 },
} as const;
/** One timestep a pair, as all others have; the published forms would take whole trajectories. */
const inversion = (name: string, train: Partial<TrainSettings>, betas = TIE): Arm => ({
  name: `inversion-dpo ${name}`,
  train: { objective: 'inversion-dpo', rowsPerPair: 1, ...train },
  betas,
});

export const ARMS: readonly Arm[] = [
  { name: 'diffusion-dpo', train: { objective: 'diffusion-dpo' }, betas: TIE },
  inversion('shared-noise', { form: 'shared-noise' }),
  { name: 'sft', train: { objective: 'sft' }, betas: null },
  { name: 'kto', train: { objective: 'kto' }, betas: [250, 1000, 4000] },
  { name: 'dspo', train: { objective: 'dspo' }, betas: [0.001, 0.03, 1] },
  { name: 'mapo', train: { objective: 'mapo' }, betas: [0.02, 0.1, 0.5] },
  inversion('transition k=2', { form: 'transition', stride: 2 }),
  inversion('endpoint', { form: 'endpoint' }),
  inversion('published', { form: 'published' }),
  inversion('negated', { form: 'negated' }),
  inversion('shared-noise, guided', { form: 'shared-noise', ...GUIDED }, GUIDED_TIE),
  { name: 'diffusion-dpo, guided', train: { objective: 'diffusion-dpo', ...GUIDED }, betas: GUIDED_TIE },
  { name: 'inpo', train: { objective: 'inpo', inversionSteps: 10 }, betas: TIE },
  { name: 'smpo', train: { objective: 'smpo', inversionSteps: 5 }, betas: TIE },
  { name: 'ddpo', train: { objective: 'ddpo', ...ON_POLICY }, betas: null },
  { name: 'd3po', train: { objective: 'd3po', ...ON_POLICY }, betas: [0.03, 0.1, 0.3] },
];

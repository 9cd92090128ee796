/** The objectives that learn from pairs: which states each compares its models at, and its loss. One entry is one objective. */
import type { Tensor, Tf } from '../../engine/engine.ts';
import { diffusionDpoLoss } from '../objectives/diffusion-dpo.ts';
import { dspoLoss } from '../objectives/dspo.ts';
import { isTargetless, publishedLoss } from '../objectives/inversion-dpo.ts';
import { ktoLoss } from '../objectives/kto.ts';
import { mapoLoss } from '../objectives/mapo.ts';
import { errorChange, type PairLoss, type Side, type TargetedSide } from '../objectives/pair-loss.ts';
import { sftLoss } from '../objectives/sft.ts';
import { smpoLoss } from '../objectives/smpo.ts';
import type { PairObjective, TrainSettings } from '../settings.ts';

/** Rows are grouped as in pair-loss.ts: row k * pairs + b belongs to pair b. */
export interface SideRows extends Side {
  /** Null in the published forms, which compare the models with each other. */
  target: Tensor | null;
}

export interface LossContext {
  tf: Tf;
  settings: Pick<TrainSettings, 'form' | 'beta'>;
  pairs: number;
  /** Of the timesteps, [R]. */
  rowWeights: Tensor;
  /** Probability that the winner of a pair is the better one, [B]. */
  probabilities: Tensor;
}

/**
 * noised         the images with noise on them, the same for both sides of a pair
 * inverted       the images' DDIM inversion under the reference, made once
 * self-inverted  the images' DDIM inversion under the policy as it is, made anew at every step
 */
export type States = 'noised' | 'inverted' | 'self-inverted';

export interface Objective {
  states: States;
  /**
   * Losses, [B], or [R] where rows do not add up in one sigmoid. `inside` and the errors are what the curves show, of an
   * objective without sigmoid or reference too.
   */
  loss(winner: SideRows, loser: SideRows, context: LossContext): PairLoss;
  /** Largest beta that makes sense, where it weighs the preference against another term. */
  largestBeta?: number;
}

/** Signal-to-noise constant of MaPO, as released. */
const MAPO_SNR = 0.5;

export const OBJECTIVE: Record<PairObjective, Objective> = {
  'inversion-dpo': {
    states: 'inverted',
    loss(winner, loser, { settings: { form, beta }, pairs, rowWeights: weights }) {
      if (isTargetless(form))
        return publishedLoss(winner, loser, { beta, pairs, sign: form === 'published' ? 1 : -1, weights });
      return diffusionDpoLoss(targeted(winner), targeted(loser), { beta, pairs, weights });
    },
  },
  'diffusion-dpo': { states: 'noised', loss: fourTerms },
  inpo: { states: 'self-inverted', loss: fourTerms },
  smpo: {
    states: 'self-inverted',
    loss: (winner, loser, { settings: { beta }, probabilities }) =>
      smpoLoss(targeted(winner), targeted(loser), { beta, probabilities }),
  },
  dspo: {
    states: 'noised',
    loss: (winner, loser, { settings: { beta } }) => dspoLoss(targeted(winner), targeted(loser), { beta }),
    largestBeta: 1,
  },
  kto: { states: 'noised', loss: wantedAndUnwanted },
  mapo: {
    states: 'noised',
    loss(winner, loser, { settings: { beta } }) {
      const { losses, inside } = mapoLoss(targeted(winner), targeted(loser), { beta, snr: MAPO_SNR });
      return { ...againstReference(winner, loser), losses, inside };
    },
    largestBeta: 10,
  },
  sft: {
    states: 'noised',
    loss: (winner, loser) => ({ ...againstReference(winner, loser), losses: sftLoss(targeted(winner)) }),
  },
};

const targeted = (side: SideRows): TargetedSide => ({ ...side, target: side.target! });

function fourTerms(winner: SideRows, loser: SideRows, { settings, pairs }: LossContext): PairLoss {
  return diffusionDpoLoss(targeted(winner), targeted(loser), { beta: settings.beta, pairs });
}

/** Winners are KTO's wanted images, losers the unwanted ones; a pair's loss is the mean of its two. */
function wantedAndUnwanted(
  winner: SideRows,
  loser: SideRows,
  { tf, settings: { beta } }: LossContext,
): PairLoss {
  const sides = [targeted(winner), targeted(loser)];
  const join = (part: keyof TargetedSide) => tf.concat(sides.map((side) => side[part])) as Tensor;
  const images = { policy: join('policy'), reference: join('reference'), target: join('target') };
  const rows = winner.policy.shape[0]!;
  const wanted = Array.from({ length: 2 * rows }, (_, i) => i < rows);
  const losses = ktoLoss(tf, images, wanted, { beta }).reshape([2, rows]).mean(0) as Tensor;
  return { ...againstReference(winner, loser), losses };
}

/** The curves of an objective whose loss has none of them: row by row, from either side's error. */
function againstReference(winner: SideRows, loser: SideRows): Omit<PairLoss, 'losses'> {
  const [winnerError, loserError] = [errorChange(targeted(winner)), errorChange(targeted(loser))];
  return { inside: loserError.sub(winnerError), winnerError, loserError };
}

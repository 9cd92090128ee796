/** The settings' objective as one function of a batch and the two models' predictions. */
import type { Tensor, Tf } from '../engine/engine.ts';
import { diffusionDpoLoss } from './objectives/diffusion-dpo.ts';
import { publishedLoss, publishedWeights } from './objectives/inversion-dpo.ts';
import type { PairLoss } from './objectives/pair-loss.ts';
import type { TrainSettings } from './settings.ts';

/** Rows are grouped as in pair-loss.ts: row k * pairs + b belongs to pair b. */
export interface SideRows {
  policy: Tensor;
  reference: Tensor;
  /** Null in the published forms, which compare the models with each other. */
  target: Tensor | null;
}

export function preferenceLoss(
  tf: Tf,
  settings: Pick<TrainSettings, 'objective' | 'form' | 'beta'>,
  levels: readonly number[],
  pairs: number,
  winner: SideRows,
  loser: SideRows,
): PairLoss {
  const { objective, form, beta } = settings;
  if (objective === 'inversion-dpo' && (form === 'published' || form === 'negated')) {
    const sign = form === 'published' ? 1 : -1;
    return publishedLoss(tf, winner, loser, { beta, pairs, sign, weights: publishedWeights(levels) });
  }
  const targeted = (side: SideRows) => ({ ...side, target: side.target! });
  return diffusionDpoLoss(targeted(winner), targeted(loser), { beta, pairs });
}

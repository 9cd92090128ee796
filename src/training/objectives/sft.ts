import type { Tensor } from '../../engine/engine.ts';
import { errors, type Prediction } from './pair-loss.ts';

/**
 * Supervised fine-tuning: the mean square error of the policy's noise on wanted images only,
 *   loss = (policy - target)^2
 * as the SFT mode of SalesforceAIResearch/DiffusionDPO (train.py) has it for the winners. Rows [R, ...]; [R].
 */
export function sftLoss(wanted: Prediction): Tensor {
  return errors(wanted);
}

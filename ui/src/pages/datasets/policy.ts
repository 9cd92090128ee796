/** The policy that an export was made under, in words. */
import type { PairSettings } from '../../../../src/preference/pairs.ts';
import type { RewardSettings } from '../../../../src/scoring/reward.ts';

interface Policy {
  reward: RewardSettings;
  pairs: PairSettings;
  filters?: object;
}

/** "Reward: mean of dpg, t2i-3in1; pairs: all, margin 0.05, ties dropped". */
export function policyText(policy: unknown): string {
  const { reward, pairs, filters } = policy as Policy;
  const weights = Object.entries(reward.weights).filter(([, weight]) => weight !== 0);
  const names = weights.map(([name, weight]) => (weight === 1 ? name : `${weight} × ${name}`));
  const ties = pairs.ties === 'drop' ? 'ties dropped' : 'ties kept';
  const filtered = filters ? '; filtered' : '';
  return `Reward: ${reward.policy} of ${names.join(', ')}; pairs: ${pairs.policy}, margin ${pairs.margin}, ${ties}${filtered}`;
}

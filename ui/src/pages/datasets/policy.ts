/** The policy that an export was made under, in words. */
import type { PairSettings } from '../../../../src/preference/pairs.ts';
import type { RewardSettings } from '../../../../src/scoring/reward.ts';

interface Policy {
  reward: RewardSettings;
  pairs: PairSettings;
  filters?: object;
}

/** "mean of dpg and t2i-3in1; all pairs, margin 0.05, ties dropped". */
export function policyText(policy: unknown): string {
  const { reward, pairs, filters } = policy as Policy;
  const weights = Object.entries(reward.weights).filter(([, weight]) => weight !== 0);
  const names = weights.map(([name, weight]) => (weight === 1 ? name : `${weight} × ${name}`));
  const ties = pairs.ties === 'drop' ? 'ties dropped' : 'ties kept';
  const filtered = filters ? '; filtered' : '';
  return `${reward.policy} of ${names.join(', ')}; ${pairs.policy} pairs, margin ${pairs.margin}, ${ties}${filtered}`;
}

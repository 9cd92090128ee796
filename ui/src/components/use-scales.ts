/** Where the metrics of a run lie, for rewards that compare with the whole of it. */
import { useEffect, useState } from 'preact/hooks';
import { type RewardScales, type RewardSettings, rewardScales } from '../../../src/scoring/reward.ts';
import type { RunItem } from '../api/client.ts';

/** Null until they are known. `settings` must keep its identity while it does not change. */
export function useScales(settings: RewardSettings | null, items: readonly RunItem[]): RewardScales | null {
  const [state, setState] = useState<{ settings: RewardSettings; scales: RewardScales } | null>(null);
  useEffect(() => {
    if (settings === null) return;
    let current = true;
    const metrics = items.flatMap(({ candidates }) => candidates.map(({ scores }) => scores));
    rewardScales(settings, metrics).then(
      (scales) => current && setState({ settings, scales }),
      () => current && setState(null),
    );
    return () => {
      current = false;
    };
  }, [settings, items]);
  return state?.settings === settings ? (state?.scales ?? null) : null;
}

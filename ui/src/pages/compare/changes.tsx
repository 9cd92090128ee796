/** What changed on the whole: of every metric the change with its interval, both means, how often the right side is better. */
import { METRICS } from '../../components/metrics.ts';
import { score as shown, signed } from '../../format.ts';
import type { CompareRow } from './compared.ts';
import type { Comparisons } from './use-comparisons.ts';

interface Props {
  comparisons: Comparisons;
  rows: readonly CompareRow[];
  /** By which the list is ordered. */
  name: string;
  onChoose(name: string): void;
}

export function Changes({ comparisons, rows, name, onChoose }: Props) {
  const matches = rows.flatMap((row) => row.matches);
  const unlike = matches.filter(({ base, tuned }) => base.seed !== tuned.seed).length;
  return (
    <section class="changes" aria-labelledby="changes">
      <div class="about">
        <h2 id="changes">Changes</h2>
        <span class="small soft">
          Right less left, with 95% intervals over prompts; coloured where the interval leaves out 0.
        </span>
      </div>
      {unlike > 0 && (
        <p class="error-note">
          {`${unlike} of ${matches.length} images were drawn with other seeds: of them only the means can be compared.`}
        </p>
      )}
      <ul>
        {Object.entries(comparisons).map(
          ([metric, { base, tuned, difference, interval95, winRate, count }]) => {
            const [low, high] = interval95;
            return (
              <li key={metric}>
                <button
                  type="button"
                  aria-pressed={metric === name}
                  title={`${METRICS[metric] ?? 'By the policy of the right run'}. Over ${count} prompts`}
                  onClick={() => onChoose(metric)}
                >
                  <span class="small soft">{metric}</span>
                  <span class="number">
                    <strong class={low > 0 ? 'up' : high < 0 ? 'down' : ''}>{signed(difference)}</strong>{' '}
                    <span class="small soft">{`wins ${(100 * winRate).toFixed(0)}%`}</span>
                  </span>
                  <span class="tiny faint number">{`${signed(low)} to ${signed(high)}`}</span>
                  <span class="tiny faint number">{`${shown(base)} → ${shown(tuned)}`}</span>
                </button>
              </li>
            );
          },
        )}
      </ul>
    </section>
  );
}

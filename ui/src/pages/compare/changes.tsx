/** Every metric of both sides, the change with its interval, and how often the right side is better. */
import { METRICS } from '../../components/metrics.ts';
import { ScrollX } from '../../components/scroll-x.tsx';
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
    <section class="panel changes" aria-labelledby="changes">
      <header>
        <h2 id="changes">Changes</h2>
        <span class="small soft">right less left, with 95% intervals over prompts</span>
      </header>
      {unlike > 0 && (
        <p class="error-note">
          {`${unlike} of ${matches.length} images were drawn with other seeds: of them only the means can be compared.`}
        </p>
      )}
      <ScrollX label="Changes by metric">
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col" class="number">
                Left
              </th>
              <th scope="col" class="number">
                Right
              </th>
              <th scope="col" class="number">
                Change
              </th>
              <th scope="col" class="number">
                95% interval
              </th>
              <th scope="col" class="number">
                Right wins
              </th>
              <th scope="col" class="number">
                Prompts
              </th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(comparisons).map(([metric, m]) => {
              const [low, high] = m.interval95;
              return (
                <tr key={metric} class={metric === name ? 'chosen' : ''}>
                  <th scope="row" title={METRICS[metric]}>
                    <button type="button" aria-pressed={metric === name} onClick={() => onChoose(metric)}>
                      {metric}
                    </button>
                  </th>
                  <td class="number">{shown(m.base)}</td>
                  <td class="number">{shown(m.tuned)}</td>
                  <td class={`number ${low > 0 ? 'up' : high < 0 ? 'down' : ''}`}>{signed(m.difference)}</td>
                  <td class="number soft">
                    {signed(low)} to {signed(high)}
                  </td>
                  <td class="number">{`${(100 * m.winRate).toFixed(0)}%`}</td>
                  <td class="number soft">{m.count}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </ScrollX>
    </section>
  );
}

/** Every metric compared with its interval, one after the other, so that the page stays quick. */
import { useEffect, useState } from 'preact/hooks';
import type { Comparison } from '../../../../src/evaluation/bootstrap.ts';
import { comparedNames, compareMetric } from '../../../../src/evaluation/compare-metrics.ts';
import type { CompareRow } from './compared.ts';

export type Comparisons = Readonly<Record<string, Comparison>>;

/** `rows` must keep their identity while they do not change. */
export function useComparisons(rows: readonly CompareRow[], seed: number): Comparisons {
  const [state, setState] = useState<{ rows: readonly CompareRow[]; comparisons: Comparisons }>({
    rows,
    comparisons: {},
  });
  useEffect(() => {
    const matches = rows.flatMap((row) => row.matches);
    const names = matches.length > 0 ? comparedNames(matches) : [];
    let comparisons: Comparisons = {};
    let timer: ReturnType<typeof setTimeout> | undefined;
    function next(): void {
      const name = names.shift();
      if (name === undefined) return;
      const comparison = compareMetric(matches, name, seed);
      if (comparison) comparisons = { ...comparisons, [name]: comparison };
      setState({ rows, comparisons });
      timer = setTimeout(next);
    }
    timer = setTimeout(next);
    return () => clearTimeout(timer);
  }, [rows, seed]);
  return state.rows === rows ? state.comparisons : {};
}

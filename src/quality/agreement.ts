/** Whether metrics order the candidates of an annotation alike: Kendall's tau-b over all annotations together. */

export interface Agreement {
  metrics: [string, string];
  /** Pairs of candidates of one annotation that both metrics measured. */
  compared: number;
  /** Pairs that both order alike, and pairs that they order contrarily; the rest are ties of one or both. */
  concordant: number;
  discordant: number;
  /**
   * (concordant - discordant) / sqrt(pairs not tied in the first * pairs not tied in the second), from -1 to 1 (Kendall
   * 1945); null where a metric ties all of them.
   */
  tau: number | null;
}

interface Counts extends Omit<Agreement, 'tau'> {
  /** Pairs that the first, and that the second metric orders at all. */
  untied: [number, number];
}

/** Takes the metric values of all candidates of an annotation at a time. */
export function metricAgreement() {
  const table = new Map<string, Counts>();
  const countsOf = (a: string, b: string): Counts => {
    const key = JSON.stringify([a, b]);
    const known = table.get(key);
    if (known) return known;
    const fresh: Counts = { metrics: [a, b], compared: 0, concordant: 0, discordant: 0, untied: [0, 0] };
    table.set(key, fresh);
    return fresh;
  };

  function compare(x: Readonly<Record<string, number>>, y: Readonly<Record<string, number>>): void {
    const names = Object.keys(x)
      .filter((name) => y[name] !== undefined)
      .sort();
    const order = names.map((name) => Math.sign(x[name]! - y[name]!));
    for (const [i, a] of names.entries()) {
      for (let j = i + 1; j < names.length; j++) {
        const counts = countsOf(a, names[j]!);
        counts.compared++;
        if (order[i] !== 0) counts.untied[0]++;
        if (order[j] !== 0) counts.untied[1]++;
        const product = order[i]! * order[j]!;
        if (product > 0) counts.concordant++;
        if (product < 0) counts.discordant++;
      }
    }
  }

  return {
    add(candidates: readonly Readonly<Record<string, number>>[]): void {
      for (const [i, x] of candidates.entries()) {
        for (const y of candidates.slice(i + 1)) compare(x, y);
      }
    },
    /** In the order of the metrics' names. */
    result: (): Agreement[] =>
      [...table]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { untied, ...counts }]) => {
          const scale = Math.sqrt(untied[0] * untied[1]);
          return { ...counts, tau: scale > 0 ? (counts.concordant - counts.discordant) / scale : null };
        }),
  };
}

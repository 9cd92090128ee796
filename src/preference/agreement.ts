/** How far voters agree, beyond what chance gives. */
import type { Judgement } from './votes.ts';

export interface Agreement {
  voters: [string, string];
  /** Pairs of candidates that both judged. */
  count: number;
  /** Share of them with the same answer: the first, the second or neither. */
  agreement: number;
  /** Cohen's kappa; null where chance alone gives full agreement. */
  kappa: number | null;
}

/** Of every two voters with a pair in common, in the order of their names. */
export function agreements(judged: readonly Judgement[]): Agreement[] {
  const answers = new Map<string, { voters: [string, string]; answers: [string, string][] }>();
  for (const { first, voices } of judged) {
    const told = [...voices].map(([voter, better]) => {
      const answer = better === null ? 'neither' : better === first ? 'first' : 'second';
      return [voter, answer] as const;
    });
    for (const [i, [voter, answer]] of told.entries()) {
      for (const [other, theirs] of told.slice(i + 1)) {
        const key = JSON.stringify([voter, other]);
        const both = answers.get(key) ?? { voters: [voter, other], answers: [] };
        both.answers.push([answer, theirs]);
        answers.set(key, both);
      }
    }
  }
  return [...answers]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { voters, answers }]) => ({ voters, ...cohensKappa(answers) }));
}

/**
 * Cohen (1960), A coefficient of agreement for nominal scales: (observed - chance) / (1 - chance), chance by each rater's
 * own shares of the categories. One entry per item: what either rater called it.
 */
export function cohensKappa(
  answers: readonly (readonly [string, string])[],
): Pick<Agreement, 'count' | 'agreement' | 'kappa'> {
  const count = answers.length;
  const same = answers.filter(([a, b]) => a === b).length;
  const shares = [0, 1].map((rater) => {
    const counts = new Map<string, number>();
    for (const answer of answers) counts.set(answer[rater]!, (counts.get(answer[rater]!) ?? 0) + 1);
    return counts;
  });
  const [first, second] = shares as [Map<string, number>, Map<string, number>];
  // In counts, so that full agreement by chance is exact.
  const chance = [...first].reduce((sum, [category, n]) => sum + n * (second.get(category) ?? 0), 0);
  const kappa = chance === count * count ? null : (same * count - chance) / (count * count - chance);
  return { count, agreement: same / count, kappa };
}

/** Light (1971): the mean over all two raters. Null where none of them has a kappa. */
export function meanKappa(all: readonly Pick<Agreement, 'kappa'>[]): number | null {
  const known = all.flatMap(({ kappa }) => kappa ?? []);
  return known.length === 0 ? null : known.reduce((sum, kappa) => sum + kappa, 0) / known.length;
}

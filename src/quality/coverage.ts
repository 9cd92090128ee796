/** What the annotations of a set are about, and which of it training will see. */
import type { Annotation } from '../annotations/annotation.ts';

export const COVERED = ['items', 'attributes', 'relations'] as const;

export interface Covered {
  name: string;
  /** Annotations that it stands in, and those of them with a pair. */
  annotations: number;
  paired: number;
}

export interface Coverage {
  distinct: number;
  /** Of `distinct`: in no annotation with a pair, so that training never sees it. */
  unpaired: number;
  /** The most frequent, and those without a pair, each the most frequent first. */
  most: Covered[];
  mostUnpaired: Covered[];
}

const LISTED = 50;

const NAMES: Record<(typeof COVERED)[number], (body: Annotation) => string[]> = {
  items: ({ items }) => items.map(({ label }) => label),
  attributes: ({ items }) => items.flatMap(({ attributes }) => attributes),
  relations: ({ relations }) => relations.map(({ relation }) => relation),
};

export function coverage() {
  const tables = COVERED.map((what) => [what, new Map<string, Covered>()] as const);
  return {
    /** `paired`: whether some pair is of this annotation. */
    add(body: Annotation, paired: boolean): void {
      for (const [what, table] of tables) {
        for (const name of new Set(NAMES[what](body))) {
          const covered = table.get(name) ?? { name, annotations: 0, paired: 0 };
          covered.annotations++;
          if (paired) covered.paired++;
          table.set(name, covered);
        }
      }
    },
    result(): Record<(typeof COVERED)[number], Coverage> {
      return Object.fromEntries(
        tables.map(([what, table]) => {
          const all = [...table.values()].sort(
            (a, b) => b.annotations - a.annotations || (a.name < b.name ? -1 : 1),
          );
          const without = all.filter(({ paired }) => paired === 0);
          return [
            what,
            {
              ...{ distinct: all.length, unpaired: without.length },
              ...{ most: all.slice(0, LISTED), mostUnpaired: without.slice(0, LISTED) },
            },
          ];
        }),
      ) as Record<(typeof COVERED)[number], Coverage>;
    },
  };
}

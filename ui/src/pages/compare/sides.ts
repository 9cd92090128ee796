/** What can stand on a side: the images that a run drew of held-out annotations under a model. */
import type { Run } from '../../api/client.ts';
import type { Variant } from '../../api/run-items.ts';
import { shortId, when } from '../../format.ts';

export interface Side {
  run: Run;
  variant: Exclude<Variant, 'curated'>;
}

/** As an address has it. */
export const sideKey = ({ run, variant }: Side) => `${run.id}.${variant}`;

export const sidesOf = (runs: readonly Run[]): Side[] =>
  runs.flatMap((run) => (['tuned', 'base'] as const).map((variant) => ({ run, variant })));

/** The model of a side, as its run names it. */
export function modelOf({ run, variant }: Side): string {
  const { compare } = run.settings as { compare?: { base: string; tuned: string } };
  return compare ? compare[variant].split('/').slice(-3).join('/') : variant;
}

export const sideName = (side: Side) =>
  `${modelOf(side)} · ${side.run.kind} · ${when(side.run.createdAt)} · ${shortId(side.run.id)}`;

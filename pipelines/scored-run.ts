/** Runs whose candidates are all there and scored. */
import { DiptychError } from '../src/errors.ts';
import type { Store } from '../src/store/client.ts';

const WHICH = {
  curated: { stage: 'score', kinds: '"curate", "curate-then-train" or "import"' },
  evaluated: { stage: 'evaluate: score', kinds: '"evaluate" or "curate-then-train"' },
};

/**
 * The run, when its curated candidates, or those of its evaluation, are scored. `id`: its own, or that of a run elsewhere
 * whose export it imported. Throws DIPTYCH_NOT_FOUND for an unknown run, DIPTYCH_INVALID_INPUT for one that never has such
 * candidates, DIPTYCH_CONFLICT for one that is not so far.
 */
export async function scoredRun(store: Store, id: string, which: keyof typeof WHICH) {
  const include = { stages: { orderBy: { ordinal: 'asc' } } } as const;
  const run =
    (await store.run.findUnique({ where: { id }, include })) ??
    (await store.run.findFirst({
      where: {
        kind: 'import',
        status: 'succeeded',
        settings: { path: ['import', 'origin', 'run'], equals: id },
      },
      orderBy: { createdAt: 'desc' },
      include,
    }));
  if (!run) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no run ${id}`);
  const { stage: name, kinds } = WHICH[which];
  const imported = run.kind === 'import' && which === 'curated';
  const stage = imported ? run.stages.at(-1) : run.stages.find((stage) => stage.name === name);
  if (!stage) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `run ${id} is of kind "${run.kind}" and has no ${which} candidates; name a run of kind ${kinds}`,
    );
  }
  if (stage.status !== 'succeeded') {
    throw new DiptychError(
      'DIPTYCH_CONFLICT',
      `run ${id} is not scored yet: its stage "${stage.name}" is ${stage.status}`,
    );
  }
  return run;
}

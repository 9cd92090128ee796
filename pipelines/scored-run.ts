/** Runs whose candidates are all there and scored. */
import { DiptychError } from '../src/errors.ts';
import type { Store } from '../src/store/client.ts';

const STAGES = {
  curated: { name: 'score', kinds: '"curate" or "curate-then-train"' },
  evaluated: { name: 'evaluate: score', kinds: '"evaluate" or "curate-then-train"' },
};

/**
 * The run, when its curated candidates, or those of its evaluation, are scored. Throws DIPTYCH_NOT_FOUND for an unknown
 * run, DIPTYCH_INVALID_INPUT for one that never has such candidates, DIPTYCH_CONFLICT for one that is not so far.
 */
export async function scoredRun(store: Store, id: string, which: keyof typeof STAGES) {
  const run = await store.run.findUnique({ where: { id }, include: { stages: true } });
  if (!run) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no run ${id}`);
  const { name, kinds } = STAGES[which];
  const stage = run.stages.find((stage) => stage.name === name);
  if (!stage) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `run ${id} is of kind "${run.kind}" and has no ${which} candidates; name a run of kind ${kinds}`,
    );
  }
  if (stage.status !== 'succeeded') {
    throw new DiptychError(
      'DIPTYCH_CONFLICT',
      `run ${id} is not scored yet: its stage "${name}" is ${stage.status}`,
    );
  }
  return run;
}

/** What a run trained on. */
import type { RunSettings } from '../pipelines/settings.ts';
import type { Store } from '../src/store/client.ts';

export interface TrainedOn {
  /** Of the run that trained. */
  settings: RunSettings;
  /** The run whose curated candidates it took: one that only trains names it, any other is it itself. */
  curated: string;
}

export async function trainedOn(store: Store, run: string): Promise<TrainedOn> {
  const found = await store.run.findUniqueOrThrow({ where: { id: run } });
  const settings = found.settings as unknown as RunSettings;
  return { settings, curated: found.kind === 'train' ? settings.sourceRun! : run };
}

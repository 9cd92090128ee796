/**
 * Trains in a process of its own, tells its parent after every piece of work, and waits to be killed when it has
 * come to the given phase and number; without one it goes on until the kill finds it.
 */
import { openEngine } from '../../src/engine/engine.ts';
import { loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { type TrainProgress, trainPairs } from '../../src/training/train.ts';
import { tinyRun } from './tiny.ts';

export interface ChildArguments {
  base: string;
  folder: string;
  trajectories?: string;
  settings: Partial<TrainSettings>;
  pairs: number;
  waitAt?: Pick<TrainProgress, 'phase' | 'done'>;
}

const { base, folder, trajectories, settings, pairs, waitAt } = JSON.parse(
  process.argv[2]!,
) as ChildArguments;
// Nothing else keeps a waiting process alive.
setInterval(() => {}, 1000);
const engine = await openEngine();
const model = await loadDiffusionModel(engine, base);
await trainPairs({
  ...tinyRun(engine, model, folder, settings, pairs),
  trajectories,
  async onProgress({ phase, done }) {
    process.send!({ phase, done });
    if (phase === waitAt?.phase && done === waitAt.done) await new Promise(() => {});
  },
});

/** Trains a scene-graph encoder in a process of its own, tells its parent of every step, and waits after `waitAt`. */
import { openEngine } from '../../src/engine/engine.ts';
import type { SceneGraphSettings } from '../../src/training/scene-graph/scene-graph-settings.ts';
import { trainSceneGraphEncoder } from '../../src/training/scene-graph/train-scene-graph-encoder.ts';
import { paintedRun } from './painted.ts';

export interface SceneGraphChild {
  folder: string;
  settings: Partial<SceneGraphSettings>;
  waitAt: number;
}

const { folder, settings, waitAt } = JSON.parse(process.argv[2]!) as SceneGraphChild;
// Nothing else keeps a waiting process alive.
setInterval(() => {}, 1000);
await trainSceneGraphEncoder({
  ...(await paintedRun(await openEngine(), folder, settings)),
  async onStep({ step }) {
    process.send!(step);
    if (step === waitAt) await new Promise(() => {});
  },
});

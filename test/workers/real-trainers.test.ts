/**
 * The real scripts that docs/external-trainers.md has entries for, each through a whole training on a tiny model: once
 * stopped after a checkpoint, then taken to its end. They and their Python packages are not part of this project:
 *
 *   DIPTYCH_TEST_TRAINERS=trainers.json npm test -- real-trainers
 *
 * takes the entries of that file. One whose arguments have --sdxl gets a model of that shape.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { planRun } from '../../pipelines/plan.ts';
import { withDefaults } from '../../pipelines/settings.ts';
import { openEngine } from '../../src/engine/engine.ts';
import { readTensors } from '../../src/engine/safetensors.ts';
import { createRun } from '../../src/jobs/runs.ts';
import { commitTask } from '../../src/jobs/tasks.ts';
import { loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { listArtifacts } from '../../src/store/artifacts.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { places } from '../../src/store/places.ts';
import { startNumericThread } from '../../workers/numeric/client.ts';
import { trainTask } from '../../workers/train/train.ts';
import { useDatabase } from '../database.ts';
import { claim } from '../jobs/plans.ts';
import { temporaryFolder } from '../temporary.ts';
import { curatedRun } from './curated-run.ts';

const STEPS = 20;
const CHECKPOINT_EVERY = 5;

const file = process.env.DIPTYCH_TEST_TRAINERS;
const skip = file === undefined && 'DIPTYCH_TEST_TRAINERS names no trainers';
const entries = file ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, { argv: string[] }>) : {};

const { store, boss } = await useDatabase();
process.env.DIPTYCH_HOME = await temporaryFolder({ after });
delete process.env.DIPTYCH_TRAINERS;
const where = places();
const numeric = startNumericThread();
after(() => numeric.close());
const blobs = folderBlobs(where.blobs);
const train = trainTask({ store, blobs, artifacts: folderArtifacts, numeric, places: where });

test('real trainers', { skip }, async (t) => {
  await copyFile(file!, where.trainers);
  const { sourceRun } = await curatedRun(store, blobs);

  for (const [external, { argv }] of Object.entries(entries)) {
    await t.test(external, async () => {
      const shape = argv.includes('--sdxl') ? 'generate-sdxl' : 'generate-sd15';
      const model = path.resolve(import.meta.dirname, '../golden', shape, 'model');
      const settings = withDefaults({
        ...{ model, sourceRun, reward: { weights: { dpg: 1 } } },
        train: {
          ...{ external, steps: STEPS, checkpointEvery: CHECKPOINT_EVERY },
          ...{ learningRate: 1e-3, warmUp: 0, beta: 100 },
        },
      });
      const request = { kind: 'train', annotationSet: 'shapes', settings } as const;
      const runId = await createRun(store, boss, await planRun(store, request));

      const stop = new AbortController();
      const first = await claim(store, runId, 0, 0);
      const stopped = train({
        task: first,
        signal: stop.signal,
        progress: (share) => share > 2 * (CHECKPOINT_EVERY / STEPS) && stop.abort(new Error('stopped')),
      });
      await assert.rejects(stopped, { message: 'stopped' });

      const task = await claim(store, runId, 0, 0);
      const shares: number[] = [];
      const write = await train({
        task,
        signal: new AbortController().signal,
        progress: (s) => shares.push(s),
      });
      await commitTask(store, boss, task, write);

      if (argv.includes('--resume_from_checkpoint=latest')) {
        const log = await readFile(path.join(where.runFolder(runId), 'train', 'log.txt'), 'utf8');
        assert.match(log, /Resuming from checkpoint checkpoint-\d/);
      }
      assert.equal(shares.at(-1), 1);
      const { path: tuned } = (await listArtifacts(store, runId)).find(({ name }) => name === 'model')!;
      const unetOf = (folder: string) =>
        readTensors(path.join(folder, 'unet', 'diffusion_pytorch_model.safetensors'));
      const [before, now] = [await unetOf(model), await unetOf(tuned)];
      const moved = Object.keys(before).filter((name) => `${before[name]!.data}` !== `${now[name]!.data}`);
      assert.ok(moved.length > 0, 'the UNet is the base model’s');
      (await loadDiffusionModel(await openEngine(), tuned)).dispose();
      console.log(`${external}: ${moved.length} of ${Object.keys(before).length} tensors moved`);
    });
  }
});

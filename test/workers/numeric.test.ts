/** Numeric work blocks only its own thread: the worker's main thread stays free for heartbeats and reports. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, type TestContext, test } from 'node:test';
import { promptText } from '../../src/annotations/prompt.ts';
import { openEngine } from '../../src/engine/engine.ts';
import { encodePng } from '../../src/engine/png.ts';
import { toHost } from '../../src/engine/weights.ts';
import { DiptychError } from '../../src/errors.ts';
import { openQueue } from '../../src/jobs/queue.ts';
import { createRun, getRun } from '../../src/jobs/runs.ts';
import { runWorker } from '../../src/jobs/worker.ts';
import type { ModelFiles } from '../../src/models/folders/fused-model.ts';
import { loadLora } from '../../src/models/folders/lora-files.ts';
import { loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { textPrompt } from '../../src/models/inputs/prompt.ts';
import { withLora } from '../../src/models/unet/lora.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { query } from '../../src/store/client.ts';
import { DEFAULT_TRAIN } from '../../src/training/settings.ts';
import { modelFiles } from '../../workers/model-folders.ts';
import { startNumericThread } from '../../workers/numeric/client.ts';
import type { JudgeArgument } from '../../workers/numeric/methods.ts';
import { useDatabase } from '../database.ts';
import { planOf, WHOLE } from '../jobs/plans.ts';
import { scenes } from '../scenes.ts';
import { temporaryFolder } from '../temporary.ts';
import {
  checkpointsOf,
  TINY_TRAIN,
  telemetryOf,
  tinyCandidates,
  tinyModelFolder,
  tinyPairs,
  tunedWeights,
} from '../training/tiny.ts';
import { until } from '../wait.ts';

const MODEL = path.resolve(import.meta.dirname, '../../models/sample/diffusion');
const CLIP = path.resolve(MODEL, '../clip');
const { store, boss, url } = await useDatabase();
/** A folder that nothing is in. */
const nowhere = await temporaryFolder({ after });
const numeric = startNumericThread();
after(() => numeric.close());

const requests = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    prompt: textPrompt('red circle left of blue square'),
    seed: i + 1,
  }));
/** Goes by DPG alone. */
const judgeOf = (annotations: JudgeArgument['annotations']): JudgeArgument => ({
  folders: { clip: CLIP, pick: CLIP, answerer: null, detector: null, answers: nowhere },
  ...{ mode: 'fixed', annotations, reward: { policy: 'mean', weights: { dpg: 1 } } },
  scales: { dpg: { mean: 0, deviation: 1 } },
});
const generate = (count: number, steps: number, options = {}) =>
  numeric.call('generate', { model: MODEL, requests: requests(count), steps, guidance: 3 }, options);

test('results come back as plain data, in the order of the requests, the same every time', async () => {
  const images = await generate(2, 1);
  assert.deepEqual(
    images.map(({ width, height, data }) => [width, height, data.length]),
    [
      [32, 32, 3072],
      [32, 32, 3072],
    ],
  );
  assert.notDeepEqual(images[0]!.data, images[1]!.data);
  assert.deepEqual(await generate(2, 1), images);
});

for (const name of ['generate-sd15', 'generate-sdxl']) {
  test(`${name}: a folder with a VAE draws images of its own size, the same every time`, async () => {
    const model = path.resolve(import.meta.dirname, '../golden', name, 'model');
    const draw = () => numeric.call('generate', { model, requests: requests(2), steps: 2, guidance: 3 });
    const images = await draw();
    assert.deepEqual(
      images.map(({ width, height }) => [width, height]),
      [
        [64, 64],
        [64, 64],
      ],
    );
    assert.notDeepEqual(images[0]!.data, images[1]!.data);
    assert.deepEqual(await draw(), images);
  });
}

/** A tiny model, images and pairs to train it on, and a folder for that. */
async function tinyTraining(t: TestContext) {
  const root = await temporaryFolder(t);
  const blobs = `${root}/blobs`;
  const store = folderBlobs(blobs);
  const candidates = await Promise.all(
    tinyCandidates(6).map(async ({ id, prompt, load }) => ({
      ...{ id, prompt },
      sha256: await store.put(await encodePng(await load())),
    })),
  );
  const model = await tinyModelFolder(path.join(root, 'base'));
  return { model, folder: `${root}/run`, candidates, pairs: tinyPairs(3), blobs };
}

test('a LoRA is trained from blobs; the tuned model draws other images, and is its file merged into the base', async (t) => {
  const { model, folder, ...images } = await tinyTraining(t);
  const settings = { ...TINY_TRAIN, beta: 20, lora: { rank: 2, convolutions: true } };
  const steps: number[] = [];
  const result = await numeric.call(
    'train',
    { model, folder, settings, ...images },
    { onProgress: (progress) => void (progress.phase === 'train' && steps.push(progress.telemetry.step)) },
  );
  assert.deepEqual(steps, [1, 2]);
  assert.deepEqual(
    (await telemetryOf(folder)).map(({ step }) => step),
    [1, 2],
  );

  const engine = await openEngine();
  const [base, tuned] = [
    await loadDiffusionModel(engine, model),
    await loadDiffusionModel(engine, result.model),
  ];
  const { specs } = base.unet;
  const lora = await loadLora(engine, result.lora!, specs);
  const merged = withLora(engine, lora.config, base.unet.weights, lora.weights);
  assert.deepEqual(toHost(merged, specs), toHost(tuned.unet.weights, specs));
  const draw = (of: ModelFiles) =>
    numeric.call('generate', { ...of, requests: requests(1), steps: 2, guidance: 3 });
  const drawn = await draw({ model: result.model });
  assert.notDeepEqual(drawn, await draw({ model }));
  // A checkpoint of it holds the LoRA alone.
  const checkpoint = path.join(folder, 'checkpoints', 'step-2');
  const laidOver = modelFiles(checkpoint, model);
  assert.deepEqual(laidOver, { model, lora: path.join(checkpoint, path.basename(result.lora!)) });
  assert.deepEqual(await draw(laidOver), drawn);
  assert.deepEqual(modelFiles(result.model, model), { model: result.model });
  const hashes = await Promise.all(
    [laidOver, { model }, { model: result.model }].map((of) => numeric.call('modelHash', of)),
  );
  assert.equal(new Set(hashes).size, 3);
  for (const disposable of [base, tuned]) disposable.dispose();
});

test('a demon goes by the run’s reward: other images than without it, of higher reward, the same every time', async () => {
  const annotations = Object.fromEntries(scenes(4).map((scene) => [scene.img_id, scene]));
  const ids = Object.keys(annotations);
  const judge = judgeOf(annotations);
  const argument = {
    ...{ model: MODEL, steps: 6, guidance: 3 },
    requests: ids.map((id, i) => ({ prompt: textPrompt(promptText(annotations[id]!)), seed: i })),
  };
  const settings = { noises: 4, weighting: 'tanh' } as const;
  const draw = (options = {}) =>
    numeric.call('generate', { ...argument, demon: { settings, judge, scenes: ids } }, options);
  const shares: number[] = [];
  const steered = await draw({ onProgress: (share: number) => void shares.push(share) });
  assert.deepEqual(
    shares,
    [1, 2, 3, 4, 5, 6].map((done) => done / 6),
  );
  assert.deepEqual(await draw(), steered);
  const plain = await numeric.call('generate', argument);
  const dpg = async (images: typeof plain) => {
    const subjects = await Promise.all(
      images.map(async (image, i) => ({ annotation: annotations[ids[i]!]!, png: await encodePng(image) })),
    );
    const scores = await numeric.call('score', { folders: judge.folders, mode: 'fixed', subjects });
    const values = scores.map((one) => one.scores.find(({ metric }) => metric === 'dpg')!.value);
    return values.reduce((sum, x) => sum + x, 0) / values.length;
  };
  const [with_, without] = [await dpg(steered), await dpg(plain)];
  assert.ok(with_ > without, `${with_} with a demon, ${without} without`);
  const stop = new AbortController();
  const stopped = draw({ signal: stop.signal, onProgress: () => stop.abort() });
  await assert.rejects(stopped, { name: 'AbortError' });
});

test('a training that is paused leaves a checkpoint of its last step, and goes on from there to the same weights', async (t) => {
  const { folder, ...training } = await tinyTraining(t);
  const settings = { ...TINY_TRAIN, beta: 20, steps: 30, checkpointEvery: 1000 };
  const taken: number[] = [];
  const train = (to: string, signal?: AbortSignal, onStep = (_: number) => {}) =>
    numeric.call(
      'train',
      { ...training, settings, folder: to },
      {
        signal,
        onProgress(progress) {
          if (progress.phase !== 'train') return;
          taken.push(progress.done);
          onStep(progress.done);
        },
      },
    );
  const pause = new AbortController();
  const paused = train(folder, pause.signal, () =>
    pause.abort(new DiptychError('DIPTYCH_PAUSED', 'the run is paused')),
  );
  await assert.rejects(paused, { code: 'DIPTYCH_PAUSED' });
  const last = taken.at(-1)!;
  assert.ok(last < 30, 'it was paused on the way');
  assert.deepEqual(await checkpointsOf(folder), [`step-${last}`]);
  taken.length = 0;
  await train(folder);
  assert.equal(taken[0], last + 1);
  await train(`${folder}-undisturbed`);
  assert.ok((await tunedWeights(folder)).equals(await tunedWeights(`${folder}-undisturbed`)));
});

test('an on-policy training draws scenes, has them judged by the run’s reward, and needs no pairs', async (t) => {
  const folder = await temporaryFolder(t);
  const annotations = Object.fromEntries(scenes(3).map((scene) => [scene.img_id, scene]));
  const judge = judgeOf(annotations);
  const onPolicy = { samplingSteps: 3, scenesPerRound: 2, stepsPerRound: 1 };
  const settings = { ...TINY_TRAIN, objective: 'd3po', beta: 1, onPolicy } as const;
  const phases: string[] = [];
  const { model } = await numeric.call(
    'train',
    {
      ...{ model: MODEL, settings, judge, candidates: [], pairs: [], blobs: nowhere, folder },
      scenes: Object.values(annotations).map((scene) => ({
        id: scene.img_id,
        prompt: textPrompt(promptText(scene)),
      })),
    },
    { onProgress: ({ phase, done, total }) => void phases.push(`${phase} ${done}/${total}`) },
  );
  const round = ['draw 1/3', 'draw 2/3', 'draw 3/3'];
  assert.deepEqual(phases, [...round, 'train 1/2', ...round, 'train 2/2']);
  assert.equal(model, path.join(folder, 'model'));
  const stop = new AbortController();
  const again = numeric.call(
    'train',
    {
      ...{ model: MODEL, settings, judge, candidates: [], pairs: [], blobs: nowhere },
      folder: path.join(folder, 'stopped'),
      scenes: [{ id: Object.keys(annotations)[0]!, prompt: textPrompt('') }],
    },
    { signal: stop.signal, onProgress: () => stop.abort() },
  );
  await assert.rejects(again, { name: 'AbortError' });
});

test('an error over there arrives with its code and message', async () => {
  const settings = DEFAULT_TRAIN;
  const nothing = {
    model: MODEL,
    settings,
    candidates: [],
    pairs: [],
    blobs: nowhere,
    folder: nowhere,
  };
  await assert.rejects(numeric.call('train', nothing), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: /there are no pairs to train on/,
  });
});

test('a call that is given up ends at its next step, and the next call is served', async () => {
  const stop = new AbortController();
  const shares: number[] = [];
  const call = generate(1, 1000, {
    signal: stop.signal,
    onProgress(share: number) {
      shares.push(share);
      if (shares.length === 3) stop.abort();
    },
  });
  await assert.rejects(call, { name: 'AbortError' });
  assert.ok(shares.at(-1)! < 0.9, `it went on to ${shares.at(-1)}`);
  assert.equal((await generate(1, 1)).length, 1);
});

test('a thread that ends by itself is told of, one that is closed is not', async () => {
  const deaths: string[] = [];
  const onDeath = ({ message }: Error) => void deaths.push(message);
  const thread = startNumericThread(onDeath);
  const none = path.join(nowhere, 'none');
  await assert.rejects(thread.call('modelHash', { model: none }));
  await thread.close();
  assert.equal(deaths.length, 0);

  const crash = path.join(nowhere, 'crash.mjs');
  await writeFile(crash, 'process.exit(3);');
  process.env.NODE_OPTIONS = `--import=${crash}`;
  try {
    const dying = startNumericThread(onDeath);
    await assert.rejects(dying.call('engineName', null), /the numeric thread ended with code 3/);
  } finally {
    delete process.env.NODE_OPTIONS;
  }
  assert.deepEqual(deaths, ['the numeric thread ended with code 3']);
});

test('heartbeats and reports go on while a task computes without a pause', async () => {
  const id = await createRun(store, boss, await planOf(store, { busy: [1] }));
  const heartbeat = async () =>
    (
      await query<{ at: Date }>(
        store,
        `SELECT heartbeat_on AS at FROM pgboss.job WHERE name = 'generate' AND state = 'active'`,
      )
    )[0]?.at.getTime();
  const delays = monitorEventLoopDelay({ resolution: 10 });
  let beats = 0;
  const running = await runWorker({
    store,
    boss: await openQueue(url, false),
    worker: 'generate',
    items: WHOLE,
    handlers: {
      async work({ progress }) {
        const first = (await heartbeat())!;
        const stop = new AbortController();
        delays.enable();
        // One computation without a pause, until the queue has heard from this worker again.
        const computing = generate(16, 1000, { onProgress: progress, signal: stop.signal });
        await until('the queue has heard from the busy worker', async () => (await heartbeat())! > first);
        delays.disable();
        stop.abort();
        await assert.rejects(computing, { name: 'AbortError' });
        beats++;
        return async () => {};
      },
    },
  });
  try {
    await until(
      'the task reports how far it is',
      async () => (await getRun(store, id)).stages[0]!.fraction > 0,
    );
    await until('the run has ended', async () => (await getRun(store, id)).finishedAt);
  } finally {
    await running.stop();
  }
  const run = await getRun(store, id);
  assert.equal(run.status, 'succeeded');
  assert.equal((await store.task.findFirstOrThrow({ where: { runId: id } })).attempt, 1);
  assert.equal(beats, 1);
  assert.ok(delays.percentile(99) < 1e9, `the main thread stood still for ${delays.percentile(99) / 1e9} s`);
});

/** Numeric work blocks only its own thread: the worker's main thread stays free for heartbeats and reports. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, test } from 'node:test';
import { openEngine } from '../../src/engine/engine.ts';
import { encodePng } from '../../src/engine/png.ts';
import { toHost } from '../../src/engine/weights.ts';
import { openQueue } from '../../src/jobs/queue.ts';
import { createRun, getRun } from '../../src/jobs/runs.ts';
import { runWorker } from '../../src/jobs/worker.ts';
import { withLora } from '../../src/models/lora.ts';
import { loadLora } from '../../src/models/lora-files.ts';
import { loadDiffusionModel } from '../../src/models/model-folder.ts';
import { textPrompt } from '../../src/models/prompt.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { query } from '../../src/store/client.ts';
import { DEFAULT_TRAIN } from '../../src/training/settings.ts';
import { startNumericThread } from '../../workers/numeric/client.ts';
import { useDatabase } from '../database.ts';
import { planOf } from '../jobs/plans.ts';
import { temporaryFolder } from '../temporary.ts';
import { TINY_TRAIN, telemetryOf, tinyCandidates, tinyModelFolder, tinyPairs } from '../training/tiny.ts';
import { until } from '../wait.ts';

const MODEL = path.resolve(import.meta.dirname, '../../models/sample/diffusion');
const { store, boss, url } = await useDatabase();
const numeric = startNumericThread();
after(() => numeric.close());

const requests = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    prompt: textPrompt('red circle left of blue square'),
    seed: i + 1,
  }));
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

test('a LoRA is trained from blobs; the tuned model draws other images, and is its file merged into the base', async (t) => {
  const root = await temporaryFolder(t);
  const [model, blobs, folder] = [
    await tinyModelFolder(path.join(root, 'base')),
    `${root}/blobs`,
    `${root}/run`,
  ];
  const store = folderBlobs(blobs);
  const candidates = await Promise.all(
    tinyCandidates(6).map(async ({ id, prompt, load }) => ({
      ...{ id, prompt },
      sha256: await store.put(await encodePng(await load())),
    })),
  );
  const settings = { ...TINY_TRAIN, beta: 20, lora: { rank: 2, convolutions: true } };
  const steps: number[] = [];
  const result = await numeric.call(
    'train',
    { model, settings, candidates, pairs: tinyPairs(3), blobs, folder },
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
  const draw = (of: string) =>
    numeric.call('generate', { model: of, requests: requests(1), steps: 2, guidance: 3 });
  assert.notDeepEqual(await draw(result.model), await draw(model));
  for (const disposable of [base, tuned]) disposable.dispose();
});

test('an error over there arrives with its code and message', async () => {
  const settings = DEFAULT_TRAIN;
  const nothing = {
    model: MODEL,
    settings,
    candidates: [],
    pairs: [],
    blobs: '/nowhere',
    folder: '/nowhere',
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

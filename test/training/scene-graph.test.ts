/** Training a scene-graph encoder: the gradient through the UNet, what is learned, and going on after a stop. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { parseSchedule } from '../../src/diffusion/schedule.ts';
import { openEngine, type Tensor } from '../../src/engine/engine.ts';
import { toPixels } from '../../src/engine/image.ts';
import { toDevice, toEngineLayout, type Weights } from '../../src/engine/weights.ts';
import { type DiffusionModel, loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { promptStates } from '../../src/models/inputs/scene-graph-condition.ts';
import { unetForward } from '../../src/models/unet/unet.ts';
import { stateFromNoise } from '../../src/training/objectives/inversion-dpo.ts';
import { sceneGraphRateAt } from '../../src/training/scene-graph/scene-graph-settings.ts';
import { startingEncoder } from '../../src/training/scene-graph/scene-graph-start.ts';
import {
  type NoisedBatch,
  noiseLoss,
  type SceneGraphTraining,
  trainSceneGraphEncoder,
} from '../../src/training/scene-graph/train-scene-graph-encoder.ts';
import { goldenCase } from '../golden.ts';
import { temporaryFolder } from '../temporary.ts';
import { PAINTED, paintedImages, paintedRun, sampleModel } from './painted.ts';
import type { SceneGraphChild } from './scene-graph-child.ts';
import { checkpointsOf, telemetryOf, tinyImage } from './tiny.ts';

const engine = await openEngine();
const { tf } = engine;
const prompts = paintedImages(2).map(({ prompt }) => prompt);

const goldenModel = async (name: string) =>
  loadDiffusionModel(engine, path.join((await goldenCase(name)).folder, 'model'));
const encoderBytes = (folder: string) =>
  readFile(path.join(folder, 'model', 'scene_graph_encoder', 'model.safetensors'));

/** Random states, and as their noise what the UNet says without the graphs: the loss is all the encoder's doing. */
function noisedBatch(model: DiffusionModel): NoisedBatch {
  const { config, weights } = model.unet;
  const timesteps = tf.tensor1d([150, 800], 'float32') as Tensor;
  const states = seededNoise(tf, [1, 2], [config.sampleSize, config.sampleSize, config.inChannels]);
  const prompted = promptStates(engine, model, prompts);
  const text = { ...prompted.text, states: prompted.graphs!.flat };
  const noise = unetForward(engine, config, weights, states, timesteps, text);
  return { states, noise, timesteps, prompts: prompted };
}

const MODELS = {
  'SD1.5-shaped': () => goldenModel('generate-sd15'),
  'SDXL-shaped': () => goldenModel('generate-sdxl'),
  'the sample model': () => sampleModel(engine),
};

for (const [name, open] of Object.entries(MODELS)) {
  test(`${name}: the loss's gradient is what finite differences give (1%)`, async () => {
    const model = await open();
    const batch = noisedBatch(model);
    const { config, specs, weights: host } = startingEncoder(model, 4);
    host.alpha_obj!.data[0] = 1;
    const weights: Weights = Object.fromEntries(
      specs.map(({ name, kind }) => [name, toDevice(engine, toEngineLayout(host[name]!, kind))]),
    );
    const lossAt = (changed: Weights) => noiseLoss(engine, model, config, { ...weights, ...changed }, batch);
    // Of the last layers: the loss has kinks in the others, which are held to recorded gradients.
    for (const parameter of ['alpha_obj', 'projection_mlp_2.weight', 'graph_net.gconvs.4.net2.2.bias']) {
      const w = weights[parameter]!;
      const gradient = tf.grad((x: Tensor) => lossAt({ [parameter]: x }) as never)(w) as Tensor;
      // Along the gradient the loss changes most, so rounding matters least.
      const length = gradient.norm().dataSync()[0]!;
      const step = 0.005 * w.norm().dataSync()[0]!;
      const along = (size: number) =>
        lossAt({ [parameter]: w.add(gradient.mul(size / length)) as Tensor }).dataSync()[0]!;
      const slope = (along(step) - along(-step)) / (2 * step);
      assert.ok(length > 1e-7, `${parameter}: the gradient is ${length}`);
      assert.ok(Math.abs(slope - length) < 0.01 * length, `${parameter}: ${slope} against ${length}`);
    }
    tf.dispose([...Object.values(weights)]);
    model.dispose();
  });
}

test('twenty steps lower the loss on the same images under other noise', async (t) => {
  const folder = await temporaryFolder(t);
  const run = await paintedRun(engine, folder, { checkpointEvery: 1000 });
  const { model, images } = run;
  const trained = await loadDiffusionModel(engine, await trainSceneGraphEncoder(run));
  const { config, weights } = trained.sceneGraph!;
  const untrained = { ...weights, alpha_obj: tf.zeros([1]) as Tensor };
  const { alphaBar } = parseSchedule(model.scheduler);
  const pictures = await Promise.all(images.map(({ load }) => load()));
  const x0 = tf.tensor(toPixels(pictures), [images.length, 32, 32, 3], 'float32') as Tensor;
  const noise = seededNoise(
    tf,
    images.map((_, i) => 1000 + i),
    [32, 32, 3],
  );
  const states = promptStates(
    engine,
    model,
    images.map(({ prompt }) => prompt),
  );
  for (const level of [100, 400, 700]) {
    const batch = {
      states: stateFromNoise(
        tf,
        x0,
        noise,
        images.map(() => alphaBar[level]!),
      ),
      timesteps: tf.fill([images.length], level) as Tensor,
      ...{ noise, prompts: states },
    };
    const [before, after] = [untrained, weights].map(
      (of) => noiseLoss(engine, model, config, of, batch).dataSync()[0]!,
    );
    assert.ok(after! < 0.95 * before!, `at timestep ${level} from ${before} to ${after}`);
  }
  const moved = model.unet.specs.filter(({ name }) => {
    const [a, b] = [model, trained].map(({ unet }) => unet.weights[name]!);
    return a!.sub(b!).abs().max().dataSync()[0] !== 0;
  });
  assert.deepEqual(moved, []);
  trained.dispose();
});

const SHORT = { steps: 5, batch: 2 };

/** Runs to the end or until after step `stopAt`; the steps that it took. */
async function goOn(folder: string, stopAt?: number, change: Partial<SceneGraphTraining> = {}) {
  const took: number[] = [];
  const run = trainSceneGraphEncoder({
    ...(await paintedRun(engine, folder, SHORT)),
    ...change,
    onStep({ step }) {
      took.push(step);
      if (step === stopAt) throw new Error('stopped');
    },
  });
  if (stopAt) await assert.rejects(run, { message: 'stopped' });
  else await run;
  return took;
}

test('killed with SIGKILL, or stopped by an exception, a run ends with the same bits and telemetry', async (t) => {
  const [undisturbed, killed, stopped] = await Promise.all([0, 1, 2].map(() => temporaryFolder(t)));
  assert.deepEqual(await goOn(undisturbed!), [1, 2, 3, 4, 5]);

  const argument: SceneGraphChild = { folder: killed!, settings: SHORT, waitAt: 3 };
  const script = path.join(import.meta.dirname, 'scene-graph-child.ts');
  const child = fork(script, [JSON.stringify(argument)], { stdio: 'inherit' });
  const ended = once(child, 'exit');
  child.on('message', (step) => {
    if (step === 3) child.kill('SIGKILL');
  });
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  assert.deepEqual(await checkpointsOf(killed!), ['step-2']);
  assert.deepEqual(await goOn(killed!), [3, 4, 5]);

  assert.deepEqual(await goOn(stopped!, 4), [1, 2, 3, 4]);
  assert.deepEqual(await goOn(stopped!), [5]);

  const base = await readFile(
    path.join(undisturbed!, 'checkpoints/step-2/scene_graph_encoder/model.safetensors'),
  );
  const want = await encoderBytes(undisturbed!);
  assert.ok(!want.equals(base), 'the last steps changed nothing');
  for (const folder of [killed!, stopped!]) {
    assert.ok((await encoderBytes(folder)).equals(want), 'the weights differ');
    assert.deepEqual(await telemetryOf(folder), await telemetryOf(undisturbed!));
  }
});

test('what is trained is the base folder with an encoder; trained again, it starts from that', async (t) => {
  const [first, second] = [await temporaryFolder(t), await temporaryFolder(t)];
  await goOn(first);
  const model = await loadDiffusionModel(engine, path.join(first, 'model'));
  const base = (await sampleModel(engine)).folder;
  const files = async (folder: string) => (await readdir(folder, { recursive: true })).sort();
  assert.deepEqual(
    (await files(model.folder)).filter((name) => !name.startsWith('scene_graph_encoder')),
    await files(base),
  );
  const host = startingEncoder(model, 1).weights;
  assert.deepEqual([...host.alpha_obj!.data], [...model.sceneGraph!.weights.alpha_obj!.dataSync()]);
  assert.notEqual(host.alpha_obj!.data[0], 0);
  await goOn(second, undefined, { model });
  assert.ok(!(await encoderBytes(second)).equals(await encoderBytes(first)));
  model.dispose();
});

test('a folder of another run is refused, whatever differs', async (t) => {
  const folder = await temporaryFolder(t);
  await goOn(folder, 1);
  const { settings, images } = await paintedRun(engine, folder, SHORT);
  for (const change of [{ settings: { ...settings, seed: 2 } }, { images: images.slice(1) }]) {
    await assert.rejects(goOn(folder, undefined, change), {
      code: 'DIPTYCH_CONFLICT',
      message: /another folder/,
    });
  }
});

test('no images, a model that predicts v, and a loss that is no number are refused', async (t) => {
  const folder = await temporaryFolder(t);
  const code = 'DIPTYCH_INVALID_INPUT';
  await assert.rejects(goOn(folder, undefined, { images: [] }), { code, message: /no image/ });
  const { model, settings } = await paintedRun(engine, folder);
  const v = { ...model, scheduler: { ...model.scheduler, prediction_type: 'v_prediction' } };
  await assert.rejects(goOn(folder, undefined, { model: v }), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /v_prediction/,
  });
  const wild = { ...settings, learningRate: 1e30, steps: 4 };
  await assert.rejects(goOn(folder, undefined, { settings: wild }), {
    code,
    message: /at step \d; lower the learning rate/,
  });
});

test('images of any size are taken, and steps leave no tensors behind', async (t) => {
  const model = await goldenModel('generate-sdxl');
  const images = prompts.map((prompt, i) => ({ id: `${i}`, prompt, load: async () => tinyImage(i, 50 + i) }));
  const run = async () => {
    const settings = { ...PAINTED, steps: 1, batch: 2, learningRate: 1e-4 };
    await trainSceneGraphEncoder({
      engine,
      model,
      settings,
      images,
      folder: await temporaryFolder(t),
      onStep() {},
    });
  };
  await run();
  const before = tf.memory().numTensors;
  await run();
  assert.equal(tf.memory().numTensors, before);
  model.dispose();
});

test('the learning rate rises over a twentieth of the steps, then falls along a cosine to 0', () => {
  const settings = { ...PAINTED, steps: 201, learningRate: 1 };
  const rates = Array.from({ length: 201 }, (_, i) => sceneGraphRateAt(settings, i + 1));
  assert.deepEqual(rates.slice(0, 2), [1 / 11, 2 / 11]);
  assert.deepEqual([rates[10], rates[11]], [1, 1]);
  assert.ok(Math.abs(rates[11 + 95]! - 0.5) < 1e-12);
  assert.ok(rates[200]! > 0 && rates[200]! < 1e-4);
  assert.equal(sceneGraphRateAt({ ...settings, steps: 1e7 }, 10_000), 1);
});

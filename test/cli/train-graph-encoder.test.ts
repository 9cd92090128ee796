/** `diptych train-graph-encoder`: what it takes, what it leaves out and says so, and going on after Ctrl-C. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { readGraphImages } from '../../src/cli/graph-images.ts';
import { encoderSettings } from '../../src/cli/train-graph-encoder.ts';
import { encodePng } from '../../src/engine/png.ts';
import { inspectFolder } from '../../src/models/folders/inspect.ts';
import { DEFAULT_SCENE_GRAPH } from '../../src/training/scene-graph/scene-graph-settings.ts';
import { scenes } from '../scenes.ts';
import { temporaryFolder } from '../temporary.ts';
import { telemetryOf, tinyImage } from '../training/tiny.ts';
import { diptych } from './run-command.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PATHS = ['--model', 'M', '--annotations', 'A', '--images', 'I', '--out', 'O'];

/** Four annotations that fit, one without its image, one without a relation, and a line that is none. */
async function written(folder: string): Promise<{ annotations: string; images: string }> {
  const [annotations, images] = [path.join(folder, 'a.ndjson'), path.join(folder, 'images')];
  const all = scenes(6);
  all[5]!.relations = [];
  await writeFile(
    annotations,
    [...all.map((one) => JSON.stringify(one)), '{"img_id":"x","items":[]}'].join('\n'),
  );
  await mkdir(images);
  const png = await encodePng(tinyImage(0, 32));
  for (const name of ['s000.png', 's001.jpg', 's002.webp', 's003.png', 's005.png', 's004.gif'])
    await writeFile(path.join(images, name), png);
  return { annotations, images };
}

test('annotations and images are matched by name; what is left out is named with its reason', async (t) => {
  const { annotations, images } = await written(await temporaryFolder(t));
  const found = await readGraphImages(annotations, images);
  assert.deepEqual(
    found.images.map(({ id, prompt }) => [id, prompt.triples.length]),
    [
      ['s000', 1],
      ['s001', 1],
      ['s002', 1],
      ['s003', 1],
    ],
  );
  assert.deepEqual(found.leftOut, [
    { name: 's004', why: 'without an image' },
    { name: 's005', why: 'without a relation' },
    {
      name: 'line 7 (items is empty; a scene graph has at least one item, or a caption in its place (caption_ori))',
      why: 'not valid',
    },
  ]);
  assert.deepEqual(await found.images[0]!.load(), tinyImage(0, 32));
  await writeFile(path.join(images, 's000.png'), 'no picture');
  await assert.rejects(found.images[0]!.load(), {
    code: 'DIPTYCH_BAD_FILE',
    message: /s000\.png: not a PNG/,
  });
});

test('settings have defaults, and a wrong one is refused by name and value with the usage', async () => {
  const values = { model: 'M', annotations: 'A', images: 'I', out: 'O' };
  const none = { steps: undefined, batch: undefined, 'learning-rate': undefined, seed: undefined };
  assert.deepEqual(encoderSettings({ ...values, ...none }), DEFAULT_SCENE_GRAPH);
  const given = { steps: '7', batch: '3', 'learning-rate': '1e-3', seed: '9' };
  const settings = { steps: 7, batch: 3, learningRate: 1e-3, seed: 9 };
  assert.deepEqual(encoderSettings({ ...values, ...given }), { ...DEFAULT_SCENE_GRAPH, ...settings });
  const cases: [string[], RegExp][] = [
    [PATHS.slice(2), /^--model is missing\ndiptych train-graph-encoder --model FOLDER/],
    [[...PATHS, '--steps', '1.5'], /^--steps is "1\.5", must be a whole number above 0\n/],
    [[...PATHS, '--learning-rate', 'fast'], /^--learning-rate is "fast", must be a number above 0\n/],
    [[...PATHS, '--epochs', '2'], /--epochs.*\ndiptych train-graph-encoder/s],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await diptych('train-graph-encoder', ...args);
    assert.deepEqual([code, message.test(stderr)], [2, true], stderr);
  }
});

test('stopped by Ctrl-C it says how to go on; asked again it ends with a whole model folder', async (t) => {
  const folder = await temporaryFolder(t);
  const { annotations, images } = await written(folder);
  const out = path.join(folder, 'out');
  const model = path.join(ROOT, 'models/sample/diffusion');
  const args = ['--model', model, '--annotations', annotations, '--images', images, '--out', out];
  const run = async (interrupt: boolean) => {
    const command = [
      'setup/launch.mjs',
      'src/cli/main.ts',
      'train-graph-encoder',
      ...args,
      '--steps',
      '55',
      '--batch',
      '1',
    ];
    const child = spawn(process.execPath, command, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        said += text;
        // The checkpoint is that of step 50.
        if (interrupt && /graph encoder 90%/.test(said)) child.kill('SIGINT');
      });
    }
    const [code] = await once(child, 'close');
    return { code, said };
  };
  const stopped = await run(true);
  assert.equal(stopped.code, 130, stopped.said);
  assert.match(stopped.said, /1 left out, without an image: s004\n/);
  assert.match(stopped.said, /the same command goes on from the newest checkpoint/);
  const ended = await run(false);
  assert.equal(ended.code, 0, ended.said);
  assert.doesNotMatch(ended.said, /graph encoder [0-8]0%/);
  assert.deepEqual(
    (await telemetryOf(out)).map(({ step }) => step),
    Array.from({ length: 55 }, (_, i) => i + 1),
  );
  const report = await inspectFolder(path.join(out, 'model'));
  assert.deepEqual(
    report.parts.map(({ name, missing }) => [name, missing]),
    [
      ['text_encoder', []],
      ['unet', []],
      ['scene_graph_encoder', []],
    ],
  );
  assert.match(
    await readFile(path.join(out, 'left-out.txt'), 'utf8'),
    /^s004\twithout an image\ns005\twithout a relation\n/,
  );
});

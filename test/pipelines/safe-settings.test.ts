/** What runs may name where keys are asked for. */
import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { checkSafe, checkSafeImport, namedPaths } from '../../pipelines/safe-settings.ts';
import { IMPORT_KINDS, RunSettings, withDefaults } from '../../pipelines/settings.ts';
import { temporaryFolder } from '../temporary.ts';

async function setUp(t: import('node:test').TestContext) {
  const folder = await temporaryFolder(t);
  const [models, home] = [path.join(folder, 'models'), path.join(folder, 'home')];
  for (const made of ['models/sd', 'models-secret', 'home/runs/1/train/tuned', 'home/postgres'])
    await mkdir(path.join(folder, made), { recursive: true });
  await writeFile(path.join(folder, 'models', 'inception.safetensors'), '');
  await symlink(path.join(folder, 'models-secret'), path.join(models, 'link'));
  const before = { ...process.env };
  Object.assign(process.env, { DIPTYCH_MODELS: models, DIPTYCH_HOME: home });
  t.after(() => {
    process.env = before;
  });
  return { folder, models, home };
}

test('models of the owner, of runs and the sample are taken', async (t) => {
  const { models, home } = await setUp(t);
  await checkSafe(withDefaults({}));
  await checkSafe(
    withDefaults({ model: `${models}/sd`, evaluation: { inception: `${models}/inception.safetensors` } }),
  );
  await checkSafe(withDefaults({ compare: { base: 'sample', tuned: `${home}/runs/1/train/tuned` } }));
});

test('every setting that names a path is held to the folders, however the path is written', async (t) => {
  const { folder, models, home } = await setUp(t);
  const outside = [
    ...['/etc', '/etc/passwd', `${folder}/models-secret`, `${models}/../models-secret`, `${models}/link`],
    ...[`${home}/postgres`, 'relative/folder', '../..', `${models}/nothing`, 'file:///etc', '', '/'],
  ];
  const places: ((name: string) => object)[] = [
    ...['model', 'clip', 'pick'].map((key) => (name: string) => ({ [key]: name })),
    ...['answerer', 'detector', 'hps', 'aesthetic', 'imageReward'].map((key) => (name: string) => ({
      scoring: { [key]: name },
    })),
    ...['inception', 'realImages'].map((key) => (name: string) => ({ evaluation: { [key]: name } })),
    (name) => ({ compare: { base: name, tuned: 'sample' } }),
    (name) => ({ compare: { base: 'sample', tuned: name } }),
  ];
  assert.equal(places.length, Object.keys(namedPaths(withDefaults({}))).length);
  for (const place of places) {
    for (const name of outside)
      await assert.rejects(checkSafe(withDefaults(place(name))), { code: 'DIPTYCH_INVALID_INPUT' }, name);
  }
});

test('no setting that the schema calls a folder or file is forgotten', () => {
  const descriptions = [...JSON.stringify(RunSettings).matchAll(/"description":"((?:[^"\\]|\\.)*)"/g)];
  const described = descriptions
    .map(([, text]) => text!)
    .filter((text) => /folder|Folder|safetensors file/.test(text));
  const named = Object.keys(namedPaths(withDefaults({})));
  // "Likewise" of compare.tuned speaks of the one before it.
  assert.equal(described.length, named.length - 1, described.join('\n'));
});

test('a server must be the one that the owner named', async (t) => {
  await setUp(t);
  const generator = (url: string) => withDefaults({ generator: { api: 'openai-images', url } });
  await assert.rejects(checkSafe(generator('http://127.0.0.1:7860')), /DIPTYCH_GENERATOR_URL/);
  process.env.DIPTYCH_GENERATOR_URL = 'http://127.0.0.1:7860/v1';
  await checkSafe(generator('http://127.0.0.1:7860'));
  for (const url of [
    'http://127.0.0.1:7861',
    'https://127.0.0.1:7860',
    'http://127.0.0.1:7860.evil.test',
    'nonsense',
  ])
    await assert.rejects(checkSafe(generator(url)), /DIPTYCH_GENERATOR_URL/, url);
  const endpoint = { url: 'http://169.254.169.254/latest', model: 'x' };
  await assert.rejects(checkSafe(withDefaults({ scoring: { endpoint } })), /DIPTYCH_VISION_URL/);
});

test('an import takes files from the same folders alone', async (t) => {
  const { models } = await setUp(t);
  const asked = (path: string) =>
    checkSafeImport({
      as: IMPORT_KINDS[0],
      annotationSet: 'x',
      path,
      score: false,
      settings: withDefaults({}),
    });
  await asked(`${models}/sd`);
  for (const path of ['/etc/passwd', `${models}/link`, `${models}/../models-secret`])
    await assert.rejects(asked(path), { code: 'DIPTYCH_INVALID_INPUT', message: /^path is / });
});

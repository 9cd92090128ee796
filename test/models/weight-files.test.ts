/** Which files hold a network's weights, in every way that the libraries write them. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { weightFiles } from '../../src/models/folders/weight-files.ts';
import { temporaryFolder } from '../temporary.ts';

const STEM = 'diffusion_pytorch_model';
const index = (...files: unknown[]) =>
  JSON.stringify({ metadata: {}, weight_map: Object.fromEntries(files.map((file, i) => [`t${i}`, file])) });

/** A folder with these files; a list of names makes empty ones. */
async function folderWith(t: TestContext, files: Record<string, string> | string[]): Promise<string> {
  const folder = await temporaryFolder(t);
  const contents = Array.isArray(files) ? Object.fromEntries(files.map((name) => [name, ''])) : files;
  for (const [name, text] of Object.entries(contents)) await writeFile(path.join(folder, name), text);
  return folder;
}

const found: [what: string, files: Record<string, string> | string[], want: string[]][] = [
  ['one file', [`${STEM}.safetensors`, `${STEM}.bin`, 'config.json'], [`${STEM}.safetensors`]],
  ['half precision alone', [`${STEM}.fp16.safetensors`], [`${STEM}.fp16.safetensors`]],
  [
    'full precision before half',
    [`${STEM}.fp16.safetensors`, `${STEM}.safetensors`],
    [`${STEM}.safetensors`],
  ],
  [
    'averaged weights before raw ones, in half precision too',
    [`${STEM}.non_ema.safetensors`, `${STEM}.fp16.safetensors`],
    [`${STEM}.fp16.safetensors`],
  ],
  ['raw weights alone', [`${STEM}.non_ema.safetensors`], [`${STEM}.non_ema.safetensors`]],
  [
    'shards, each once and in order',
    {
      [`${STEM}.safetensors.index.json`]: index('b.safetensors', 'a.safetensors', 'b.safetensors'),
      'a.safetensors': '',
      'b.safetensors': '',
      'other.safetensors': '',
    },
    ['a.safetensors', 'b.safetensors'],
  ],
  [
    'shards of a variant, as newer diffusers name the index',
    { [`${STEM}.fp16.safetensors.index.json`]: index('a.safetensors'), 'a.safetensors': '' },
    ['a.safetensors'],
  ],
  [
    'shards of a variant, as older diffusers name the index',
    { [`${STEM}.safetensors.index.fp16.json`]: index('a.safetensors'), 'a.safetensors': '' },
    ['a.safetensors'],
  ],
];
for (const [what, files, want] of found) {
  test(`${what}`, async (t) => {
    const folder = await folderWith(t, files);
    assert.deepEqual(
      await weightFiles(folder, STEM),
      want.map((name) => path.join(folder, name)),
    );
  });
}

const INDEX = `${STEM}.safetensors.index.json`;
const refused: [what: string, files: Record<string, string> | string[], message: RegExp][] = [
  ['a pickle', [`${STEM}.bin`], /diffusion_pytorch_model\.bin is a pickle, which is not read; convert it/],
  ['a checkpoint of torch', ['v1-5.ckpt'], /v1-5\.ckpt is a pickle/],
  ['no weights', ['config.json'], /has no diffusion_pytorch_model\.safetensors, nor one of its variants/],
  ['an index that is not JSON', { [INDEX]: '{' }, /can't read .*index\.json/],
  ['an index that is null', { [INDEX]: 'null' }, /index\.json has no weight_map/],
  ['an index without a map', { [INDEX]: '{"weight_map": 3}' }, /index\.json has no weight_map/],
  ['an index without files', { [INDEX]: index() }, /index\.json has no weight_map/],
  [
    'a shard that is missing',
    { [INDEX]: index('a.safetensors') },
    /names "a\.safetensors", which is not beside it/,
  ],
  [
    'a shard in another folder',
    { [INDEX]: index('../a.safetensors') },
    /names "\.\.\/a\.safetensors", which is not/,
  ],
  ['a shard that is a number', { [INDEX]: index(7) }, /names 7, which is not beside it/],
];
for (const [what, files, message] of refused) {
  test(`${what} is refused by name`, async (t) => {
    const folder = await folderWith(t, files);
    await assert.rejects(weightFiles(folder, STEM), { code: 'DIPTYCH_BAD_MODEL', message });
  });
}

test('a folder that is not there is refused by name', async () => {
  await assert.rejects(weightFiles('/no/such/folder', STEM), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /can't read the folder \/no\/such\/folder/,
  });
});

/** The binding's patch: it fits the installed sources exactly, and no other version of them. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { applyPatch } from '../../setup/patch.mjs';
import { temporaryFolder } from '../temporary.ts';

const PATCH = path.resolve(import.meta.dirname, '../../setup/binding.patch');
const PACKAGE = path.dirname(
  createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu/package.json'),
);
const FILES = ['binding/tfjs_backend.h', 'binding/tfjs_binding.cc'];

async function sources(t: Parameters<typeof temporaryFolder>[0]): Promise<string> {
  const folder = await temporaryFolder(t);
  await mkdir(path.join(folder, 'binding'));
  for (const file of FILES)
    await writeFile(path.join(folder, file), await readFile(path.join(PACKAGE, file)));
  return folder;
}

test('the patch adds its lines to the installed sources and takes none away', async (t) => {
  const [folder, patch] = [await sources(t), await readFile(PATCH, 'utf8')];
  applyPatch(patch, folder);
  for (const file of FILES) {
    const before = (await readFile(path.join(PACKAGE, file), 'utf8')).split('\n');
    const after = (await readFile(path.join(folder, file), 'utf8')).split('\n');
    const part = patch.split(`--- a/${file}\n`)[1]!.split(/^--- a\//m)[0]!;
    const added = part.split('\n').filter((line) => line.startsWith('+') && !line.startsWith('+++'));
    assert.equal(after.length, before.length + added.length);
    const left = [...after];
    for (const line of added) left.splice(left.indexOf(line.slice(1)), 1);
    assert.deepEqual([...left].sort(), [...before].sort());
  }
});

test('sources of another version are refused, with file, line and both texts', async (t) => {
  const folder = await sources(t);
  const file = path.join(folder, FILES[0]!);
  const changed = (await readFile(file, 'utf8')).replace(
    'napi_value GetNumOfTensors(napi_env env);',
    'napi_value CountTensors(napi_env env);',
  );
  await writeFile(file, changed);
  const patch = await readFile(PATCH, 'utf8');
  assert.throws(() => applyPatch(patch, folder), {
    message:
      /^the patch does not fit binding\/tfjs_backend\.h: line \d+ is " +napi_value CountTensors\(napi_env env\);" instead of " +napi_value GetNumOfTensors\(napi_env env\);"$/,
  });
  assert.equal(await readFile(file, 'utf8'), changed, 'and nothing is written');
});

test('a patched file is not patched twice', async (t) => {
  const [folder, patch] = [await sources(t), await readFile(PATCH, 'utf8')];
  applyPatch(patch, folder);
  assert.throws(() => applyPatch(patch, folder), /^Error: the patch does not fit binding\/tfjs_backend\.h/);
});

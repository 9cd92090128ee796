/** A tuned model's folder: the base's files by link or copy, and never a byte of the base changed through one. */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type HostTensor, readTensors } from '../../src/engine/safetensors.ts';
import { writeModel } from '../../src/training/checkpoints/tuned-model.ts';
import { temporaryFolder } from '../temporary.ts';

const WEIGHTS = 'vae/diffusion_pytorch_model.safetensors';
const UNET = 'unet/diffusion_pytorch_model.safetensors';
const tensor = (value: number): Record<string, HostTensor> => ({
  w: { shape: [1], dtype: 'float32', data: Float32Array.of(value) },
});

/** A base folder with these files beside the usual ones, and the folder that the tests write to. */
async function folders(t: TestContext, files: Record<string, string> = {}) {
  const root = await temporaryFolder(t);
  const base = path.join(root, 'base');
  const all = {
    'model_index.json': '{}',
    'unet/config.json': '{}',
    [UNET]: 'base',
    [WEIGHTS]: 'weights',
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    await fs.mkdir(path.dirname(path.join(base, name)), { recursive: true });
    await fs.writeFile(path.join(base, name), content);
  }
  return { root, base, folder: path.join(root, 'tuned') };
}

const filesOf = async (folder: string) =>
  (await fs.readdir(folder, { recursive: true })).filter((name) => path.extname(name)).sort();
const inode = async (...parts: string[]) => (await fs.stat(path.join(...parts))).ino;

test('weights are one file under two names, small files are copies, the UNet is the new one', async (t) => {
  const { base, folder } = await folders(t);
  await writeModel(folder, base, tensor(7));
  assert.deepEqual(await filesOf(folder), await filesOf(base));
  assert.equal(await inode(folder, WEIGHTS), await inode(base, WEIGHTS));
  assert.notEqual(await inode(folder, 'model_index.json'), await inode(base, 'model_index.json'));
  assert.deepEqual(await readTensors(path.join(folder, UNET)), tensor(7));
  assert.equal(await fs.readFile(path.join(base, UNET), 'utf8'), 'base');
});

test('shards, variants and the index of the base UNet are left out', async (t) => {
  const others = ['-00001-of-00002.safetensors', '.fp16.safetensors', '.safetensors.index.json'];
  const { base, folder } = await folders(
    t,
    Object.fromEntries(others.map((end) => [`unet/diffusion_pytorch_model${end}`, ''])),
  );
  await writeModel(folder, base, tensor(1));
  assert.deepEqual(await filesOf(path.join(folder, 'unet')), ['config.json', path.basename(UNET)]);
});

test('a folder that is there is overwritten, and the base keeps its bytes', async (t) => {
  const { base, folder } = await folders(t);
  await writeModel(folder, base, tensor(1));
  await fs.rm(path.join(folder, WEIGHTS));
  await fs.writeFile(path.join(folder, WEIGHTS), 'cut sh');
  await writeModel(folder, base, tensor(2));
  await writeModel(folder, base, tensor(3));
  for (const where of [folder, base])
    assert.equal(await fs.readFile(path.join(where, WEIGHTS), 'utf8'), 'weights');
  assert.deepEqual(await readTensors(path.join(folder, UNET)), tensor(3));
});

test('where the file system has no links, weights are copied', async (t) => {
  const { base, folder } = await folders(t);
  await writeModel(folder, base, tensor(1));
  const refuse = async () => {
    throw Object.assign(new Error('EXDEV: cross-device link not permitted'), { code: 'EXDEV' });
  };
  const link = t.mock.method(fs, 'link', refuse);
  syncBuiltinESMExports();
  await writeModel(folder, base, tensor(2)).finally(() => {
    link.mock.restore();
    syncBuiltinESMExports();
  });
  assert.equal(link.mock.callCount(), 1);
  assert.notEqual(await inode(folder, WEIGHTS), await inode(base, WEIGHTS));
  assert.equal(await fs.readFile(path.join(folder, WEIGHTS), 'utf8'), 'weights');
});

test('symbolic links, as in a download cache, become the files they mean', async (t) => {
  const { root, base, folder } = await folders(t);
  await fs.rename(path.join(base, WEIGHTS), path.join(root, 'blob'));
  await fs.symlink('../../blob', path.join(base, WEIGHTS));
  await fs.mkdir(path.join(root, 'elsewhere'));
  await fs.writeFile(path.join(root, 'elsewhere', 'config.json'), '{"elsewhere": true}');
  await fs.symlink('../elsewhere', path.join(base, 'text_encoder'));
  await writeModel(folder, base, tensor(1));
  const facts = await fs.lstat(path.join(folder, WEIGHTS));
  assert.ok(facts.isFile() && facts.ino === (await inode(root, 'blob')));
  assert.ok((await fs.lstat(path.join(folder, 'text_encoder'))).isDirectory());
  assert.equal(
    await fs.readFile(path.join(folder, 'text_encoder', 'config.json'), 'utf8'),
    '{"elsewhere": true}',
  );
});

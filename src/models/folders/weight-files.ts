/**
 * The weight files of one network's folder, as diffusers and transformers name them: one file, several with an
 * index, or a variant. Only safetensors: a pickle can run code when it is read, and is refused by name.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { asError, DiptychError } from '../../errors.ts';

/** Which of several to read: full precision before half, averaged weights before the raw ones of training. */
const VARIANTS = ['', '.fp16', '.bf16', '.non_ema'];
const PICKLES = /\.(bin|pt|pth|ckpt|pkl|msgpack|h5)$/;

/**
 * Paths of the files that together hold a network's tensors.
 * @param folder of one network, such as unet/ of a pipeline
 * @param stem `model` (transformers) or `diffusion_pytorch_model` (diffusers)
 * Throws DIPTYCH_BAD_MODEL when there are none, only pickles, or an index that leads nowhere.
 */
export async function weightFiles(folder: string, stem: string): Promise<string[]> {
  const names = await readdir(folder).catch((thrown: unknown) => {
    throw bad(`can't read the folder ${folder}: ${asError(thrown).message}`, thrown);
  });
  for (const variant of VARIANTS) {
    const single = `${stem}${variant}.safetensors`;
    if (names.includes(single)) return [path.join(folder, single)];
    // Where a variant has several files, older diffusers put its name behind "index", newer ones before.
    const index = [`${single}.index.json`, `${stem}.safetensors.index${variant}.json`].find((name) =>
      names.includes(name),
    );
    if (index) return shards(folder, index, names);
  }
  const pickle = names.find((name) => PICKLES.test(name));
  throw bad(
    pickle
      ? `${path.join(folder, pickle)} is a pickle, which is not read; convert it to ${stem}.safetensors`
      : `${folder} has no ${stem}.safetensors, nor one of its variants (${VARIANTS.slice(1).join(', ')}) or an index`,
  );
}

/** The files that an index names, each once, in their order. */
async function shards(folder: string, index: string, names: readonly string[]): Promise<string[]> {
  const file = path.join(folder, index);
  let map: unknown;
  try {
    map = (JSON.parse(await readFile(file, 'utf8')) as { weight_map?: unknown } | null)?.weight_map;
  } catch (thrown) {
    throw bad(`can't read ${file}: ${asError(thrown).message}`, thrown);
  }
  const files = typeof map === 'object' && map !== null ? [...new Set(Object.values(map))].sort() : [];
  if (files.length === 0) throw bad(`${file} has no weight_map`);
  for (const name of files) {
    // A name with a slash in it is never in the folder's list.
    if (!names.includes(name)) throw bad(`${file} names ${JSON.stringify(name)}, which is not beside it`);
  }
  return files.map((name) => path.join(folder, name));
}

const bad = (message: string, cause?: unknown) => new DiptychError('DIPTYCH_BAD_MODEL', message, { cause });

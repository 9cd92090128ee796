/**
 * A tuned model as a folder in diffusers layout: the base model's with another UNet. The base's other weights are
 * hard links, not copies: SDXL's text encoders and VAE are gigabytes, and every checkpoint of full training has them.
 */
import { copyFile, link, mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type HostTensor, writeSafetensors } from '../../engine/safetensors.ts';

const UNET_WEIGHTS = path.join('unet', 'diffusion_pytorch_model');

/**
 * Writes or overwrites the folder.
 * @param unet weights by official name, torch layout
 */
export async function writeModel(
  folder: string,
  base: string,
  unet: Record<string, HostTensor>,
): Promise<void> {
  // All UNet weights of the base are left out: shards, variants and their index too.
  await linkTree(base, folder, (name) => name.startsWith(UNET_WEIGHTS));
  await mkdir(path.join(folder, 'unet'), { recursive: true });
  await writeSafetensors(path.join(folder, `${UNET_WEIGHTS}.safetensors`), unet);
}

/** `skip` is asked by the name inside the tree. Symbolic links are followed, to files and to folders. */
async function linkTree(
  from: string,
  to: string,
  skip: (name: string) => boolean,
  inside = '',
): Promise<void> {
  await mkdir(path.join(to, inside), { recursive: true });
  for (const entry of await readdir(path.join(from, inside))) {
    const name = path.join(inside, entry);
    if (skip(name)) continue;
    const [source, target] = [path.join(from, name), path.join(to, name)];
    if ((await stat(source)).isDirectory()) await linkTree(from, to, skip, name);
    else await linkOrCopy(source, target);
  }
}

/** Weights are linked where the file system can; small files that people edit in place are copied. */
async function linkOrCopy(source: string, target: string): Promise<void> {
  // First, for to copy onto a link would write into the base.
  await rm(target, { force: true });
  if (source.endsWith('.safetensors')) {
    // Of a symbolic link it is the file that counts.
    const file = await realpath(source);
    const linked = await link(file, target).then(
      () => true,
      () => false,
    );
    if (linked) return;
  }
  await copyFile(source, target);
}

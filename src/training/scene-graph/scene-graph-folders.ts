/** What the training of a scene-graph encoder leaves behind: the encoder, and the base model with it. */
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type HostTensor, writeSafetensors } from '../../engine/safetensors.ts';
import { DiptychError } from '../../errors.ts';
import { SCENE_GRAPH_FOLDER } from '../../models/folders/model-folder.ts';
import { SCENE_GRAPH_CLASS, SCENE_GRAPH_ENCODER } from '../../models/folders/network-kinds.ts';
import type { SceneGraphEncoderConfig } from '../../models/scene-graph/scene-graph-encoder-parameters.ts';

/** `weights` in torch's layout. */
export async function writeSceneGraphEncoder(
  folder: string,
  { clipDim, embedDim, width, layers }: SceneGraphEncoderConfig,
  weights: Record<string, HostTensor>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const config = {
    ...{ _class_name: SCENE_GRAPH_CLASS, clip_dim: clipDim, embed_dim: embedDim },
    graph_cfg: { layers, width },
  };
  await writeFile(path.join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  await writeSafetensors(path.join(folder, `${SCENE_GRAPH_ENCODER.stem}.safetensors`), weights);
}

/** The base model's folder with this encoder. Appears whole or not at all. */
export async function writeSceneGraphModel(
  folder: string,
  base: string,
  config: SceneGraphEncoderConfig,
  weights: Record<string, HostTensor>,
): Promise<void> {
  const [partial, replaced] = [`${folder}.partial`, path.join(base, SCENE_GRAPH_FOLDER)];
  await rm(partial, { recursive: true, force: true });
  await cp(base, partial, { recursive: true, filter: (source) => source !== replaced });
  await writeSceneGraphEncoder(path.join(partial, SCENE_GRAPH_FOLDER), config, weights);
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
}

/**
 * Makes a folder that of one run; a run that goes on brings the same `key`.
 * Throws DIPTYCH_CONFLICT when it is another run's.
 */
export async function claimFolder(folder: string, key: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, 'run.json');
  const held = await readFile(file, 'utf8').then(
    (text) => (JSON.parse(text) as { key: string }).key,
    () => null,
  );
  if (held !== null && held !== key) {
    throw new DiptychError(
      'DIPTYCH_CONFLICT',
      `${folder} holds the training of another model, on other data or with other settings; name another folder, or remove it`,
    );
  }
  if (held === null) await writeFile(file, `${JSON.stringify({ key })}\n`);
}

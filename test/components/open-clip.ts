/** open_clip's CLIP by its own state-dict names: embeddings and HPSv2's score. */
import path from 'node:path';
import { parseOpenClipConfig } from '../../src/models/clip/open-clip.ts';
import { loadOpenClipWeights } from '../../src/models/clip/open-clip-weights.ts';
import { weightFiles } from '../../src/models/folders/weight-files.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { checkEmbeddings } from './clip.ts';
import { engine, readJson } from './tensors.ts';

async function openClip(golden: GoldenCase): Promise<void> {
  const folder = path.join(golden.folder, 'model');
  const config = parseOpenClipConfig(readJson(folder, 'open_clip_config.json').model_cfg);
  const files = await weightFiles(folder, 'open_clip_model');
  checkEmbeddings(golden, config, await loadOpenClipWeights(engine, files, config));
}

export const components: Record<string, ComponentCheck> = {
  'open_clip CLIP (the HPSv2 and laion ViT-H-14 loading path)': openClip,
};

/** The two model folders of models/sample, with everything but the weights. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { COLOURS, RELATIONS, SHAPES, SIZES } from '../../src/sample-world/vocabulary.ts';
import {
  clipConfig,
  MAX_TOKENS,
  MODEL_INDEX,
  PREPROCESSOR_CONFIG,
  SCHEDULER_CONFIG,
  textConfig,
  UNET_CONFIG,
} from './configs.ts';
import { buildTokenizer, writeTokenizer } from './tokenizer-files.ts';

export interface SampleFolders {
  /** diffusers layout: scheduler, tokenizer, text_encoder, unet. */
  diffusion: string;
  /** transformers CLIPModel layout, tokenizer and preprocessor beside it. */
  clip: string;
  vocabSize: number;
}

export async function writeSampleFolders(folder: string): Promise<SampleFolders> {
  const diffusion = path.join(folder, 'diffusion');
  const clip = path.join(folder, 'clip');
  const words = [...SHAPES, ...COLOURS, ...SIZES, ...RELATIONS].flatMap((term) => term.split(' '));
  const tokenizer = buildTokenizer(words);
  const vocabSize = Object.keys(tokenizer.vocab).length;

  await writeTokenizer(path.join(diffusion, 'tokenizer'), tokenizer, MAX_TOKENS);
  await writeTokenizer(clip, tokenizer, MAX_TOKENS);
  await writeJson(diffusion, 'model_index.json', MODEL_INDEX);
  await writeJson(path.join(diffusion, 'scheduler'), 'scheduler_config.json', SCHEDULER_CONFIG);
  await writeJson(path.join(diffusion, 'unet'), 'config.json', UNET_CONFIG);
  await writeJson(path.join(diffusion, 'text_encoder'), 'config.json', textConfig(vocabSize));
  await writeJson(clip, 'config.json', clipConfig(vocabSize));
  await writeJson(clip, 'preprocessor_config.json', PREPROCESSOR_CONFIG);
  return { diffusion, clip, vocabSize };
}

async function writeJson(folder: string, name: string, value: unknown): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
}

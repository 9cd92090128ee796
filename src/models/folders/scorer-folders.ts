/** Folders of the models that score images, as they are published, read into networks with what prepares their input. */
import path from 'node:path';
import type { Engine } from '../../engine/engine.ts';
import { hashFiles } from '../../engine/file-hash.ts';
import { disposeWeights, loadWeights, type Weights } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { loadBlipWeights } from '../blip/blip-vision.ts';
import type { BlipVqaConfig } from '../blip/blip-vqa.ts';
import { type ClipConfig, clipImageParameters } from '../clip/clip.ts';
import type { ImageRewardConfig } from '../image-scores/image-reward.ts';
import type { OwlVitConfig } from '../owlvit/owlvit-parameters.ts';
import {
  CLIP_STATISTICS,
  type ImagePreprocessor,
  parseClipPreprocessor,
  resizeAndCropToEven,
} from '../preprocess/clip-preprocess.ts';
import { parseSquashPreprocessor } from '../preprocess/squash-preprocess.ts';
import { type BertTokenizer, loadBertTokenizer } from '../tokenizers/bert-tokenizer.ts';
import { type ClipTokenizer, loadTokenizer } from '../tokenizers/tokenizer.ts';
import { PREPROCESSOR, readConfig } from './model-folder.ts';
import { AESTHETIC, BLIP_VQA, CLIP, IMAGE_REWARD, type NetworkKind, OWL_VIT } from './network-kinds.ts';
import { weightFiles } from './weight-files.ts';

export interface ScorerModel<Config> {
  folder: string;
  /** sha256 over all weight files. */
  hash: string;
  config: Config;
  weights: Weights;
  preprocessor: ImagePreprocessor;
  dispose(): void;
}

export interface BlipVqaModel extends ScorerModel<BlipVqaConfig> {
  tokenizer: BertTokenizer;
  /** Ids of the words. */
  yesId: number;
  noId: number;
}

export interface OwlVitModel extends ScorerModel<OwlVitConfig> {
  tokenizer: ClipTokenizer;
}

export interface AestheticModel extends ScorerModel<ClipConfig> {
  head: Weights;
}

export interface ImageRewardModel extends ScorerModel<ImageRewardConfig> {
  tokenizer: BertTokenizer;
}

/**
 * BlipForQuestionAnswering in transformers layout with vocab.txt and preprocessor_config.json, such as
 * Salesforce/blip-vqa-base. Throws DIPTYCH_BAD_MODEL that names the file, field or tensor, or a word of the
 * vocabulary that is missing.
 */
export async function loadBlipVqa(engine: Engine, folder: string): Promise<BlipVqaModel> {
  const { config, specs, files } = await readFolder(folder, BLIP_VQA);
  const tokenizer = await loadBertTokenizer(folder);
  const [yesId, noId] = ['yes', 'no'].map((word) => idOf(tokenizer, word, folder)) as [number, number];
  const json = await readConfig(folder, PREPROCESSOR);
  const preprocessor = parseSquashPreprocessor('BLIP preprocessor', json, config.vision.imageSize);
  const weights = await loadBlipWeights(engine, files, specs);
  return { ...(await model(folder, files, config, preprocessor, weights)), tokenizer, yesId, noId };
}

function idOf({ ids }: BertTokenizer, word: string, folder: string): number {
  const id = ids.get(word);
  if (id !== undefined) return id;
  const file = path.join(folder, 'vocab.txt');
  throw new DiptychError('DIPTYCH_BAD_MODEL', `${file} has no token "${word}", which answers begin with`);
}

/**
 * OwlViTForObjectDetection in transformers layout with CLIP's tokenizer and preprocessor_config.json, such as
 * google/owlvit-base-patch32. Throws DIPTYCH_BAD_MODEL that names the file, field or tensor.
 */
export async function loadOwlVit(engine: Engine, folder: string): Promise<OwlVitModel> {
  const { config, specs, files } = await readFolder(folder, OWL_VIT);
  const tokenizer = await loadTokenizer(folder);
  const json = await readConfig(folder, PREPROCESSOR);
  const preprocessor = parseSquashPreprocessor('OWL-ViT preprocessor', json, config.vision.imageSize);
  const weights = await loadWeights(engine, files, specs);
  return { ...(await model(folder, files, config, preprocessor, weights)), tokenizer };
}

/**
 * LAION's aesthetic predictor: the folder of openai/clip-vit-large-patch14 (transformers layout; its text tower and
 * tokenizer are not needed) with the head of sac+logos+ava1-l14-linearMSE.pth in it as aesthetic.safetensors. Throws
 * DIPTYCH_BAD_MODEL that names the file, field or tensor.
 */
export async function loadAestheticHead(engine: Engine, folder: string): Promise<AestheticModel> {
  const head = await readFolder(folder, AESTHETIC);
  const { config, files } = await readFolder(folder, CLIP);
  const json = await readConfig(folder, PREPROCESSOR);
  const preprocessor = {
    ...parseClipPreprocessor(json, config.vision.imageSize),
    // The predictor takes openai/CLIP's own transforms, which are torchvision's.
    frame: resizeAndCropToEven,
  };
  const headWeights = await loadWeights(engine, head.files, head.specs);
  const weights = await loadWeights(engine, files, clipImageParameters(config));
  const loaded = await model(folder, [...files, ...head.files], config, preprocessor, weights);
  const dispose = () => {
    loaded.dispose();
    disposeWeights(headWeights);
  };
  return { ...loaded, head: headWeights, dispose };
}

/**
 * ImageReward (THUDM/ImageReward): its med_config.json, BERT's vocab.txt, and ImageReward.pt's tensors as
 * ImageReward.safetensors. Throws DIPTYCH_BAD_MODEL that names the file, field or tensor.
 */
export async function loadImageReward(engine: Engine, folder: string): Promise<ImageRewardModel> {
  const { config, specs, files } = await readFolder(folder, IMAGE_REWARD);
  const tokenizer = await loadBertTokenizer(folder);
  const side = config.vision.imageSize;
  const preprocessor = { ...CLIP_STATISTICS, side, frame: resizeAndCropToEven };
  const weights = await loadBlipWeights(engine, files, specs, IMAGE_REWARD);
  return { ...(await model(folder, files, config, preprocessor, weights)), tokenizer };
}

async function readFolder<Config>(folder: string, kind: NetworkKind<Config>) {
  const config = kind.parse(await readConfig(folder, kind.configFile));
  return { config, specs: kind.parameters(config), files: await weightFiles(folder, kind.stem) };
}

async function model<Config>(
  folder: string,
  files: readonly string[],
  config: Config,
  preprocessor: ImagePreprocessor,
  weights: Weights,
): Promise<ScorerModel<Config>> {
  const dispose = () => disposeWeights(weights);
  return { folder, hash: await hashFiles(files), config, weights, preprocessor, dispose };
}

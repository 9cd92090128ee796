/** Model folders as diffusers and transformers lay them out, read into networks with their weights. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Engine } from '../../engine/engine.ts';
import { hashFiles } from '../../engine/file-hash.ts';
import { disposeWeights, loadWeights, type ParameterSpec, type Weights } from '../../engine/weights.ts';
import { asError, DiptychError } from '../../errors.ts';
import { type ClipConfig, clipParameters } from '../clip/clip.ts';
import type { ClipTextConfig } from '../clip/clip-text.ts';
import { openClipPreprocessor } from '../clip/open-clip.ts';
import { loadOpenClipWeights } from '../clip/open-clip-weights.ts';
import { type ImagePreprocessor, parseClipPreprocessor } from '../preprocess/clip-preprocess.ts';
import type { SceneGraphEncoderConfig } from '../scene-graph/scene-graph-encoder-parameters.ts';
import { type ClipTokenizer, loadTokenizer } from '../tokenizers/tokenizer.ts';
import type { UNetConfig } from '../unet/unet-config.ts';
import type { VaeConfig } from '../vae/vae-parameters.ts';
import {
  CLIP,
  CLIP_TEXT,
  type NetworkKind,
  OPEN_CLIP,
  SCENE_GRAPH_ENCODER,
  UNET,
  VAE,
} from './network-kinds.ts';
import { weightFiles } from './weight-files.ts';

export interface Network<Config> {
  config: Config;
  specs: ParameterSpec[];
  weights: Weights;
}

export interface TextEncoder extends Network<ClipTextConfig> {
  tokenizer: ClipTokenizer;
}

/** A text-to-image model in diffusers layout. */
export interface DiffusionModel {
  folder: string;
  /** sha256 over all weight files: which model made an image. */
  hash: string;
  unet: Network<UNetConfig>;
  /** One in SD1.5, two in SDXL. */
  texts: TextEncoder[];
  /** Null where the UNet works on pixels. */
  vae: Network<VaeConfig> | null;
  /** Null where prompts are text alone. */
  sceneGraph: Network<SceneGraphEncoderConfig> | null;
  /** Height and width of its images, in pixels. */
  imageSide: number;
  /** Guidance leads away from zeros, not from the empty prompt. */
  zerosForEmpty: boolean;
  /** scheduler/scheduler_config.json as it stands. */
  scheduler: Record<string, unknown>;
  dispose(): void;
}

export interface ClipModel extends Network<ClipConfig> {
  folder: string;
  hash: string;
  tokenizer: ClipTokenizer;
  preprocessor: ImagePreprocessor;
  dispose(): void;
}

export async function loadDiffusionModel(engine: Engine, folder: string): Promise<DiffusionModel> {
  const { index, suffixes, hasVae, hasSceneGraph } = await layoutOf(folder);
  const load = <Config>(part: string, kind: NetworkKind<Config>) =>
    loadNetwork(engine, path.join(folder, part), kind);
  const unet = await load('unet', UNET);
  const texts: TextEncoder[] = [];
  for (const suffix of suffixes) {
    const tokenizer = await loadTokenizer(path.join(folder, `tokenizer${suffix}`));
    texts.push({ tokenizer, ...(await load(`text_encoder${suffix}`, CLIP_TEXT)) });
  }
  const vae = hasVae ? await load('vae', VAE) : null;
  const sceneGraph = hasSceneGraph ? await load(SCENE_GRAPH_FOLDER, SCENE_GRAPH_ENCODER) : null;
  checkWidth(folder, unet.config, sceneGraph?.config);
  return {
    folder,
    hash: await diffusionModelHash(folder),
    unet,
    texts,
    vae,
    sceneGraph,
    imageSide: unet.config.sampleSize * (vae?.config.factor ?? 1),
    zerosForEmpty: index.force_zeros_for_empty_prompt === true,
    scheduler: await readConfig(folder, 'scheduler', 'scheduler_config.json'),
    dispose() {
      for (const network of [unet, ...texts, vae, sceneGraph]) if (network) disposeWeights(network.weights);
    },
  };
}

/**
 * The part of a text-to-image folder that is not diffusers': it counts where it lies, unnamed in model_index.json, so
 * that diffusers reads the other parts as before.
 */
export const SCENE_GRAPH_FOLDER = 'scene_graph_encoder';

/** Whether prompts for the model in this folder should say what their scene graphs are. */
export const hasSceneGraphEncoder = (folder: string) => existsSync(path.join(folder, SCENE_GRAPH_FOLDER));

function checkWidth(
  folder: string,
  { crossAttentionDim }: UNetConfig,
  encoder: SceneGraphEncoderConfig | undefined,
): void {
  if (!encoder || encoder.clipDim === crossAttentionDim) return;
  throw new DiptychError(
    'DIPTYCH_BAD_MODEL',
    `${path.join(folder, SCENE_GRAPH_FOLDER)}: "clip_dim" is ${encoder.clipDim}, but the UNet attends to states of width ${crossAttentionDim}`,
  );
}

/** Which parts a text-to-image folder has. */
async function layoutOf(folder: string) {
  const index = await readConfig(folder, 'model_index.json');
  const { textTime } = UNET.parse(await readConfig(folder, 'unet', 'config.json'));
  return {
    index,
    /** Behind the names of an encoder's and its tokenizer's folders. */
    suffixes: textTime ? ['', '_2'] : [''],
    // model_index.json names the class of each part; [null, null] where a pipeline does without.
    hasVae: Array.isArray(index.vae) && index.vae[1] !== null,
    hasSceneGraph: hasSceneGraphEncoder(folder),
  };
}

/** One network from its own folder. */
export async function loadNetwork<Config>(
  engine: Engine,
  folder: string,
  kind: NetworkKind<Config>,
): Promise<Network<Config>> {
  const config = kind.parse(await readConfig(folder, kind.configFile));
  const specs = kind.parameters(config);
  const files = await weightFiles(folder, kind.stem);
  return { config, specs, weights: await loadWeights(engine, files, specs, kind) };
}

/** sha256 over the weight files of a diffusion model folder, without loading them. */
export async function diffusionModelHash(folder: string): Promise<string> {
  const { suffixes, hasVae, hasSceneGraph } = await layoutOf(folder);
  const parts: [name: string, kind: { stem: string }][] = [
    ['unet', UNET],
    ...suffixes.map((suffix): [string, { stem: string }] => [`text_encoder${suffix}`, CLIP_TEXT]),
  ];
  if (hasVae) parts.push(['vae', VAE]);
  if (hasSceneGraph) parts.push([SCENE_GRAPH_FOLDER, SCENE_GRAPH_ENCODER]);
  const files = await Promise.all(
    parts.map(([name, { stem }]) => weightFiles(path.join(folder, name), stem)),
  );
  return hashFiles(files.flat());
}

/** Where transformers keeps how images are prepared. */
export const PREPROCESSOR = 'preprocessor_config.json';

/** Of a CLIPModel in transformers layout, or of open_clip's where there is only open_clip_config.json. */
export async function loadClipModel(engine: Engine, folder: string): Promise<ClipModel> {
  const layout = isOpenClip(folder) ? openClip : transformersClip;
  const { config, files, weights, preprocessor } = await layout(engine, folder);
  return {
    folder,
    hash: await hashFiles(files),
    config,
    specs: clipParameters(config),
    weights,
    tokenizer: await loadTokenizer(folder),
    preprocessor,
    dispose: () => disposeWeights(weights),
  };
}

/** Whether open_clip wrote the folder. One that transformers can read too is transformers'. */
export function isOpenClip(folder: string): boolean {
  const has = (name: string) => existsSync(path.join(folder, name));
  return has(OPEN_CLIP.configFile) && !has(CLIP.configFile);
}

async function transformersClip(engine: Engine, folder: string) {
  const config = CLIP.parse(await readConfig(folder, CLIP.configFile));
  const preprocessor = parseClipPreprocessor(await readConfig(folder, PREPROCESSOR), config.vision.imageSize);
  const files = await weightFiles(folder, CLIP.stem);
  return { config, preprocessor, files, weights: await loadWeights(engine, files, clipParameters(config)) };
}

async function openClip(engine: Engine, folder: string) {
  const json = await readConfig(folder, OPEN_CLIP.configFile);
  const config = OPEN_CLIP.parse(json);
  const preprocess = (json.preprocess_cfg ?? {}) as Record<string, unknown>;
  const preprocessor = openClipPreprocessor(preprocess, config.vision.imageSize);
  const files = await weightFiles(folder, OPEN_CLIP.stem);
  return { config, preprocessor, files, weights: await loadOpenClipWeights(engine, files, config) };
}

/** A JSON file of a model folder. Throws DIPTYCH_BAD_MODEL when it can't be read. */
export async function readConfig(folder: string, ...names: string[]): Promise<Record<string, unknown>> {
  const file = path.join(folder, ...names);
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  } catch (thrown) {
    throw new DiptychError('DIPTYCH_BAD_MODEL', `can't read ${file}: ${asError(thrown).message}`, {
      cause: thrown,
    });
  }
}

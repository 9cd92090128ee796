/** What a model folder is, and whether its files fit, without loading a weight. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { matchWeights, misfits, type ParameterSpec } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { hasSceneGraphEncoder, isOpenClip, readConfig, SCENE_GRAPH_FOLDER } from './model-folder.ts';
import {
  AESTHETIC,
  CLIP,
  IMAGE_REWARD,
  NETWORK_KINDS,
  type NetworkKind,
  OPEN_CLIP,
  SCENE_GRAPH_CLASS,
  SCENE_GRAPH_ENCODER,
} from './network-kinds.ts';
import { weightFiles } from './weight-files.ts';
import { LORA_RANK, trainingWeightBytes, weightBytes } from './weight-memory.ts';

export interface PartReport {
  /** Folder inside the pipeline; "." for a model of its own. */
  name: string;
  class: string;
  files: string[];
  specs: ParameterSpec[];
  missing: ParameterSpec[];
  misfits: string[];
  surplus: string[];
}

export interface FolderReport {
  /** Class of the pipeline or the model. */
  class: string;
  parts: PartReport[];
  /** Parts of a pipeline that are not read: safety checker, feature extractor, ... */
  unread: string[];
}

/** Read elsewhere: they have no weights. */
const WITHOUT_WEIGHTS = /Scheduler$|Tokenizer/;
/** Buffers that older files carry along. */
const IGNORED = /(^|\.)position_ids$/;

/** Throws DIPTYCH_BAD_MODEL when the folder is none that is known, or a config asks for what is not supported. */
export async function inspectFolder(folder: string): Promise<FolderReport> {
  if (existsSync(path.join(folder, 'model_index.json'))) return inspectPipeline(folder);
  const single = async (name: string, kind: NetworkKind<unknown>, ...beside: PartReport[]) => ({
    class: name,
    parts: [await inspectPart(folder, '.', name, kind), ...beside],
    unread: [],
  });
  if (existsSync(path.join(folder, IMAGE_REWARD.configFile))) return single('ImageReward', IMAGE_REWARD);
  if (isOpenClip(folder)) return single('open_clip CLIP', OPEN_CLIP);
  const config = await readConfig(folder, 'config.json');
  const [architecture] = (config.architectures as string[] | undefined) ?? [];
  const name = (config._class_name as string | undefined) ?? architecture ?? 'no class at all';
  const kind = NETWORK_KINDS[name];
  if (!kind) {
    const known = Object.keys(NETWORK_KINDS).join(', ');
    throw new DiptychError('DIPTYCH_BAD_MODEL', `${folder} is a ${name}; known are ${known}`);
  }
  const hasHead = kind === CLIP && existsSync(path.join(folder, `${AESTHETIC.stem}.safetensors`));
  if (!hasHead) return single(name, kind);
  return single(name, kind, await inspectPart(folder, '.', 'aesthetic head', AESTHETIC));
}

async function inspectPipeline(folder: string): Promise<FolderReport> {
  const index = await readConfig(folder, 'model_index.json');
  const named = Object.entries(index).flatMap(([part, value]) =>
    Array.isArray(value) && typeof value[1] === 'string' ? [{ part, class: value[1] }] : [],
  );
  const parts: PartReport[] = [];
  for (const { part, class: name } of named) {
    const kind = NETWORK_KINDS[name];
    if (kind) parts.push(await inspectPart(folder, part, name, kind));
  }
  if (hasSceneGraphEncoder(folder))
    parts.push(await inspectPart(folder, SCENE_GRAPH_FOLDER, SCENE_GRAPH_CLASS, SCENE_GRAPH_ENCODER));
  const unread = named.filter((entry) => !NETWORK_KINDS[entry.class] && !WITHOUT_WEIGHTS.test(entry.class));
  return { class: String(index._class_name), parts, unread: unread.map(({ part }) => part) };
}

async function inspectPart(
  root: string,
  name: string,
  className: string,
  kind: NetworkKind<unknown>,
): Promise<PartReport> {
  const folder = path.join(root, name);
  const specs = kind.parameters(kind.parse(await readConfig(folder, kind.configFile)));
  const files = await weightFiles(folder, kind.stem);
  const match = await matchWeights(files, specs, kind);
  return {
    name,
    class: className,
    files: files.map((file) => path.relative(root, file)),
    specs,
    missing: match.missing,
    misfits: misfits(match),
    surplus: match.surplus.filter((tensor) => !IGNORED.test(tensor)),
  };
}

/** Bytes of weights in float32: to sample, and to train the UNet; null where there is no UNet. */
export function memoryNeeds({ parts }: FolderReport): {
  sample: number;
  train: { all: number; lora: number } | null;
} {
  const sample = weightBytes(parts.flatMap(({ specs }) => specs));
  const unet = parts.find((part) => part.class === 'UNet2DConditionModel');
  if (!unet) return { sample, train: null };
  const lora = { rank: LORA_RANK, convolutions: false };
  return {
    sample,
    train: {
      all: sample + trainingWeightBytes(unet.specs),
      lora: sample + trainingWeightBytes(unet.specs, lora),
    },
  };
}

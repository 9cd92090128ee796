/**
 * Folders of tiny scorers as users have them, made of the weights of recorded cases (test/golden) and of vocabularies
 * that spell words letter by letter. Nothing in them is trained. transformers reads them too.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type HostTensor, writeSafetensors } from '../../src/engine/safetensors.ts';
import { aestheticParameters } from '../../src/models/image-scores/aesthetic.ts';
import { headSizes } from '../../src/models/image-scores/linear-head.ts';
import { CLIP_STATISTICS } from '../../src/models/preprocess/clip-preprocess.ts';
import { medConfig } from '../components/image-reward.ts';
import { readJson } from '../components/tensors.ts';

const GOLDEN = path.resolve(import.meta.dirname, '../golden');
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
/** Words with a token of their own. */
const WORDS = ['a', 'photo', 'of', 'red', 'blue', 'circle', 'square', 'cup', 'plate', 'is', 'there', 'left'];

/** BlipForQuestionAnswering for images of 32 pixels. */
export async function writeTinyBlip(folder: string): Promise<void> {
  await copy('blip-vqa', ['config.json', 'model.safetensors'], folder);
  await write(folder, 'vocab.txt', bertVocabulary());
  await write(folder, 'preprocessor_config.json', squashed(32));
}

/** OwlViTForObjectDetection for images of 48 pixels. */
export async function writeTinyOwlVit(folder: string): Promise<void> {
  await copy('owlvit', ['config.json', 'model.safetensors'], folder);
  await writeClipTokenizer(folder, { pad_token: '!', model_max_length: 16 });
  await write(folder, 'preprocessor_config.json', squashed(48));
}

/** CLIPModel for images of 32 pixels. */
export async function writeTinyClip(folder: string): Promise<void> {
  await copy('clip-full', ['config.json', 'model.safetensors'], folder);
  await writeClipTokenizer(folder, { pad_token: '<|endoftext|>', model_max_length: 77 });
  const crop = { do_center_crop: true, size: { shortest_edge: 32 }, crop_size: { height: 32, width: 32 } };
  await write(folder, 'preprocessor_config.json', { ...squashed(32), ...crop });
}

/** open_clip's CLIP for images of 32 pixels, in the layout that HPSv2 takes. */
export async function writeTinyOpenClip(folder: string): Promise<void> {
  await copy('open-clip', ['open_clip_config.json', 'open_clip_model.safetensors'], folder);
  await writeClipTokenizer(folder, { pad_token: '<|endoftext|>', model_max_length: 77 });
}

/** `writeTinyClip` with an aesthetic head beside it; see `tinyHead`. */
export async function writeTinyAesthetic(folder: string): Promise<void> {
  await writeTinyClip(folder);
  const { projection_dim: width } = readJson(folder, 'config.json');
  await writeSafetensors(path.join(folder, 'aesthetic.safetensors'), tinyHead(width));
}

/** ImageReward for images of 32 pixels. */
export async function writeTinyImageReward(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const model = path.join(GOLDEN, 'image-reward', 'model');
  await copyFile(path.join(model, 'model.safetensors'), path.join(folder, 'ImageReward.safetensors'));
  await write(folder, 'med_config.json', medConfig(readJson(model, 'config.json')));
  await write(folder, 'vocab.txt', bertVocabulary());
}

/** Number n of tensor t is 2 sin(t + n^2) / sqrt(last axis): as good as random, and the same everywhere. */
function tinyHead(width: number): Record<string, HostTensor> {
  return Object.fromEntries(
    aestheticParameters(headSizes(width)).map(({ name, shape }, t) => {
      const count = shape.reduce((product, length) => product * length, 1);
      const scale = 2 / Math.sqrt(shape.at(-1)!);
      const data = Float32Array.from({ length: count }, (_, n) => scale * Math.sin(t + n * n));
      return [name, { shape, dtype: 'float32' as const, data }];
    }),
  );
}

const squashed = (side: number) => ({
  ...{ do_resize: true, resample: 3, do_rescale: true, do_normalize: true, do_center_crop: false },
  size: { height: side, width: side },
  ...CLIP_STATISTICS,
});

/** "yes" and "no" have the ids that the case of blip-vqa records. */
function bertVocabulary(): string {
  const pieces = [...LETTERS, ...LETTERS.map((letter) => `##${letter}`), '?', "'", ...WORDS.slice(1)];
  const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...pieces];
  for (const [word, id] of Object.entries({ yes: 17, no: 42 })) tokens.splice(id, 0, word);
  return `${tokens.join('\n')}\n`;
}

/** Ids of the begin and the end as the recorded cases have them. */
async function writeClipTokenizer(folder: string, config: Record<string, unknown>): Promise<void> {
  const merges = WORDS.filter((word) => word.length > 1).flatMap((word) => {
    const symbols = [...word.slice(0, -1), `${word.at(-1)}</w>`];
    return symbols.slice(1).map((symbol, i) => [symbols.slice(0, i + 1).join(''), symbol] as const);
  });
  const unique = [...new Map(merges.map((merge) => [merge.join(' '), merge])).values()];
  const single = ['!', ...LETTERS, ...LETTERS.map((letter) => `${letter}</w>`), ...'?', '?</w>'];
  const symbols = [...new Set([...single, ...unique.map((merge) => merge.join(''))])];
  const vocab = Object.fromEntries(symbols.map((symbol, id) => [symbol, id]));
  const ends = { '<|startoftext|>': 498, '<|endoftext|>': 499 };
  await write(folder, 'vocab.json', { ...vocab, ...ends });
  await write(folder, 'merges.txt', ['#version: 0.2', ...unique.map((m) => m.join(' ')), ''].join('\n'));
  const specials = { bos_token: '<|startoftext|>', eos_token: '<|endoftext|>', unk_token: '<|endoftext|>' };
  await write(folder, 'tokenizer_config.json', { tokenizer_class: 'CLIPTokenizer', ...specials, ...config });
}

async function copy(golden: string, names: readonly string[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of names) await copyFile(path.join(GOLDEN, golden, 'model', name), path.join(folder, name));
}

const write = (folder: string, name: string, content: string | object) =>
  writeFile(
    path.join(folder, name),
    typeof content === 'string' ? content : JSON.stringify(content, null, 2),
  );

/**
 * What a network costs, from its config alone: floating-point operations and memory. Every convolution and linear
 * layer counts 2 operations per weight and position that it is applied to, as torch's FlopCounterMode does; the names
 * of the parameters say at which resolution.
 */
import { sizeOf } from '../../engine/tensor.ts';
import type { ParameterSpec } from '../../engine/weights.ts';
import type { UNetConfig } from '../unet/unet-config.ts';
import { unetParameters } from '../unet/unet-parameters.ts';
import { type VaeConfig, vaeParameters } from '../vae/vae-parameters.ts';

/** Of one row of the batch. */
export interface ForwardCost {
  /** Floating-point operations. */
  flops: number;
  /** Numbers that layers and norms put out: all of them together, and the most of one. */
  outputs: number;
  largestOutput: number;
  /** The same for the scores of attention, queries times keys times heads. */
  scores: number;
  largestScores: number;
}

/** Factors that were measured on networks of these shapes (test/models/memory.test.ts holds them to within a third). */
const ALIVE_FORWARD = 10;
const KEPT_FOR_BACKWARD = 3.4;
/** Attention runs in slices of so many bytes (engine/sliced-attention.ts), scores and their softmax beside each other. */
const SCORE_BYTES = 2 ** 30;

/** Bytes of activations in a forward pass of some rows. */
export function forwardBytes({ largestOutput, largestScores }: ForwardCost, rows: number): number {
  const scores = Math.max(4 * largestScores, Math.min(SCORE_BYTES, 4 * rows * largestScores));
  return 4 * rows * ALIVE_FORWARD * largestOutput + 2 * scores;
}

/** Bytes of activations that a backward pass over some rows needs. */
export const backwardBytes = ({ outputs, scores }: ForwardCost, rows: number): number =>
  4 * rows * (KEPT_FOR_BACKWARD * outputs + scores);

interface Attention {
  heads: number;
  width: number;
  queries: number;
  keys: number;
}

/** Of CLIP's texts. */
const TOKENS = 77;
/** Bytes of activations, and images, beyond which a larger batch gains nothing. */
const [BATCH_BYTES, BATCH_IMAGES] = [2 ** 32, 32];

/** Images that the UNet works on together: as many as memory and use suggest. A function of the config alone. */
export function imagesAtOnce(config: UNetConfig, guidance: number): number {
  const cost = unetCost(config);
  const rows = guidance === 1 ? 1 : 2;
  let images = 1;
  while (images < BATCH_IMAGES && forwardBytes(cost, (images + 1) * rows) <= BATCH_BYTES) images++;
  return images;
}

/** @param side of what the UNet works on; @param tokens of the text condition */
export function unetCost(config: UNetConfig, side = config.sampleSize, tokens = TOKENS): ForwardCost {
  const { plan } = config;
  const deepest = plan.down.length - 1;
  const at = (level: number) => Math.ceil(side / 2 ** level) ** 2;
  const positions = (name: string): number => {
    if (/^(time|add)_embedding|time_emb_proj/.test(name)) return 1;
    if (/attn2\.to_[kv]/.test(name)) return tokens;
    const block = blockOf(name);
    if (block === null) return at(0);
    const level = block.kind === 'down' ? block.index : block.kind === 'up' ? deepest - block.index : deepest;
    if (name.includes('downsamplers')) return at(level + 1);
    return at(name.includes('upsamplers') ? level - 1 : level);
  };
  const specs = unetParameters(config);
  const blocks = [
    ...plan.down.map((block, i) => [`down_blocks.${i}`, block] as const),
    ['mid_block', plan.mid] as const,
    ...plan.up.map((block, i) => [`up_blocks.${i}`, block] as const),
  ];
  const attentions = blocks.flatMap(([prefix, { heads, channels: width }]) =>
    specs.flatMap(({ name }): Attention[] => {
      const kind = name.startsWith(`${prefix}.`) ? /attn([12])\.to_q/.exec(name)?.[1] : undefined;
      if (!kind) return [];
      const queries = positions(name);
      return [{ heads, width, queries, keys: kind === '1' ? queries : tokens }];
    }),
  );
  return total(specs, positions, attentions);
}

/** Of the decoder. @param side of the latents */
export const vaeDecodeCost = (config: VaeConfig, side: number): ForwardCost =>
  vaePartCost(config, 'decoder', side, 'post_quant_conv');

/** Of the encoder. @param side of the image */
export const vaeEncodeCost = (config: VaeConfig, side: number): ForwardCost =>
  vaePartCost(config, 'encoder', side / config.factor, 'quant_conv');

function vaePartCost(
  config: VaeConfig,
  part: 'encoder' | 'decoder',
  latentSide: number,
  quant: string,
): ForwardCost {
  const deepest = config.up.length - 1;
  /** Level 0 is the image. */
  const at = (level: number) => (latentSide * 2 ** (deepest - level)) ** 2;
  const positions = (name: string): number => {
    const block = blockOf(name.replace(/^(en|de)coder\./, ''));
    if (block?.kind === 'down') return at(block.index + (name.includes('downsamplers') ? 1 : 0));
    if (block?.kind === 'up') return at(deepest - block.index - (name.includes('upsamplers') ? 1 : 0));
    return at(/encoder\.conv_in|decoder\.conv_(out|norm_out)/.test(name) ? 0 : deepest);
  };
  const specs = vaeParameters(config).filter(
    ({ name }) => name.startsWith(`${part}.`) || name.startsWith(`${quant}.`),
  );
  const queries = at(deepest);
  return total(specs, positions, [{ heads: 1, width: config.mid[0]!.in, queries, keys: queries }]);
}

/** Which block a parameter belongs to; null outside of them. */
function blockOf(name: string): { kind: string; index: number } | null {
  const match = /^(?:(down|up)_blocks\.(\d+)|(mid)_block)\./.exec(name);
  return match && { kind: match[1] ?? match[3]!, index: Number(match[2] ?? 0) };
}

function total(
  specs: readonly ParameterSpec[],
  positions: (name: string) => number,
  attentions: readonly Attention[],
): ForwardCost {
  const sum = (values: readonly number[]) => values.reduce((total, n) => total + n, 0);
  const most = (values: readonly number[]) => values.reduce((largest, n) => Math.max(largest, n), 0);
  let flops = 0;
  const outputs: number[] = [];
  for (const { name, shape, kind } of specs) {
    if (!name.endsWith('.weight')) continue;
    if (kind !== 'vector') flops += 2 * sizeOf(shape) * positions(name);
    outputs.push(shape[0]! * positions(name));
  }
  const scores = attentions.map(({ heads, queries, keys }) => heads * queries * keys);
  flops += sum(attentions.map(({ width, queries, keys }) => 2 * 2 * queries * keys * width));
  return {
    flops,
    outputs: sum(outputs),
    largestOutput: most(outputs),
    scores: sum(scores),
    largestScores: most(scores),
  };
}

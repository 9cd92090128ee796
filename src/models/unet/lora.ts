/**
 * Low-rank adaptation (Hu et al. 2021, arXiv:2106.09685): a weight W becomes W + (alpha / rank) B A, and only
 * A and B are trained. The base network runs as it is, on the changed weights.
 */
import type { Engine } from '../../engine/engine.ts';
import type { HostTensor } from '../../engine/safetensors.ts';
import { sizeOf } from '../../engine/tensor.ts';
import type { ParameterSpec, Weights } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import type { Random } from '../../random.ts';

export interface LoraConfig {
  /** The base network's weights that change: of linear layers and convolutions. */
  targets: ParameterSpec[];
  rank: number;
  alpha: number;
}

/** The layers that diffusers' training scripts adapt in a UNet. */
export const ATTENTION_LAYERS: readonly string[] = ['to_q', 'to_k', 'to_v', 'to_out.0'];

/** Throws DIPTYCH_INVALID_INPUT for a rank that is no positive integer, or an alpha that is not above 0. */
export function loraConfig(targets: ParameterSpec[], rank: number, alpha: number): LoraConfig {
  if (!Number.isSafeInteger(rank) || rank < 1) throw bad(`the rank is ${rank}; it is an integer from 1`);
  if (!(alpha > 0 && alpha < Number.POSITIVE_INFINITY)) throw bad(`alpha is ${alpha}; it is above 0`);
  return { targets, rank, alpha };
}

/**
 * Weights of the layers whose names end in one of `layers`, such as "to_q" or "resnets.0.conv1" (peft's
 * target_modules). Throws DIPTYCH_INVALID_INPUT naming a layer that the network does not have.
 */
export function loraTargets(specs: readonly ParameterSpec[], layers: readonly string[]): ParameterSpec[] {
  const isOf = ({ name }: ParameterSpec, layer: string) => `.${name}`.endsWith(`.${layer}.weight`);
  const adaptable = adaptableWeights(specs);
  const absent = layers.find((layer) => !adaptable.some((spec) => isOf(spec, layer)));
  if (absent !== undefined) throw bad(`no linear layer or convolution is named ${JSON.stringify(absent)}`);
  return adaptable.filter((spec) => layers.some((layer) => isOf(spec, layer)));
}

/** Every weight that LoRA can change. */
export function adaptableWeights(specs: readonly ParameterSpec[]): ParameterSpec[] {
  return specs.filter(({ kind, name }) => (kind === 'linear' || kind === 'conv') && name.endsWith('.weight'));
}

/**
 * A and B of every target, by peft's names. For a linear layer A is [rank, in] and B [out, rank]; for a
 * convolution A is [rank, in, kh, kw] and B [out, rank, 1, 1].
 */
export function loraParameters({ targets, rank }: Omit<LoraConfig, 'alpha'>): ParameterSpec[] {
  return targets.flatMap(({ name, shape: [output, ...rest], kind }) => {
    const [A, B] = pairOf(name);
    return [
      { name: A, shape: [rank, ...rest], kind },
      { name: B, shape: [output!, rank, ...rest.slice(1).map(() => 1)], kind },
    ];
  });
}

/** A from a normal distribution of deviation 1 / rank, B zero (peft's "gaussian"): nothing changes at first. */
export function initialLora(config: LoraConfig, random: Random): Record<string, HostTensor> {
  return Object.fromEntries(
    loraParameters(config).map(({ name, shape }): [string, HostTensor] => {
      const value = () => (name.endsWith('.lora_A.weight') ? random.normal() / config.rank : 0);
      const data = Float32Array.from({ length: sizeOf(shape) }, value);
      return [name, { shape, dtype: 'float32', data }];
    }),
  );
}

/**
 * The base's weights with every target's W + (alpha / rank) B A in place of W. Differentiable in W, A and B;
 * the new tensors are the caller's to dispose (or call inside tf.tidy).
 * @param lora A and B by the names of `loraParameters`, engine layout
 */
export function withLora(
  { tf }: Engine,
  { targets, rank, alpha }: LoraConfig,
  base: Weights,
  lora: Weights,
): Weights {
  const changed = targets.map(({ name }) => {
    const [W, A, B] = [base[name]!, ...pairOf(name).map((part) => lora[part]!)] as const;
    // The engine's layouts end in [in, out], so A is the matrix [kh kw in, rank] and B [rank, out].
    const product = () => A!.reshape([-1, rank]).matMul(B!.mul(alpha / rank).reshape([rank, -1]));
    return [name, tf.tidy(() => W.add(product().reshape(W.shape)))] as const;
  });
  return { ...base, ...Object.fromEntries(changed) };
}

/** Names of A and B for the weight of a layer. */
function pairOf(weight: string): [A: string, B: string] {
  const layer = weight.slice(0, -'.weight'.length);
  return [`${layer}.lora_A.weight`, `${layer}.lora_B.weight`];
}

const bad = (what: string) => new DiptychError('DIPTYCH_INVALID_INPUT', `LoRA: ${what}`);

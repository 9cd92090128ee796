/** Memory that weights take in float32, to sample and to train. */
import { sizeOf } from '../../engine/tensor.ts';
import type { ParameterSpec } from '../../engine/weights.ts';
import { ATTENTION_LAYERS, adaptableWeights, loraParameters, loraTargets } from '../unet/lora.ts';

/** What is usual for adapting attention (diffusers' training scripts take 4 to 16). */
export const LORA_RANK = 8;

export const countParameters = (specs: readonly ParameterSpec[]): number =>
  specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

export const weightBytes = (specs: readonly ParameterSpec[]): number => 4 * countParameters(specs);

/**
 * Bytes besides the reference's own weights: so many vectors as long as the policy's parameters, by default themselves,
 * their gradient and two moments. With a LoRA those are its factors alone, but the weights that it changes are there changed, with a gradient each, during a step.
 */
export function trainingWeightBytes(
  unet: readonly ParameterSpec[],
  lora?: { rank: number; convolutions: boolean },
  vectors = 4,
): number {
  if (!lora) return vectors * weightBytes(unet);
  const targets = lora.convolutions ? adaptableWeights(unet) : loraTargets(unet, ATTENTION_LAYERS);
  return vectors * weightBytes(loraParameters({ targets, rank: lora.rank })) + 2 * weightBytes(targets);
}

/** The pre-norm transformer that CLIP's text and vision towers share (transformers CLIPEncoder). */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { ParameterSpec, Weights } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { linear, norm } from '../layers/parameter-lists.ts';

export interface ClipTowerConfig {
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  activation: 'quick_gelu' | 'gelu';
  layerNormEps: number;
}

/** Throws DIPTYCH_BAD_MODEL for an activation that is not implemented. */
export function parseTower(json: Record<string, unknown>): ClipTowerConfig {
  const activation = (json.hidden_act ?? 'quick_gelu') as ClipTowerConfig['activation'];
  if (activation !== 'quick_gelu' && activation !== 'gelu') {
    throw new DiptychError(
      'DIPTYCH_BAD_MODEL',
      `CLIP config: "hidden_act" is ${JSON.stringify(activation)}; supported: "quick_gelu", "gelu"`,
    );
  }
  return {
    hiddenSize: json.hidden_size as number,
    intermediateSize: json.intermediate_size as number,
    layers: json.num_hidden_layers as number,
    heads: json.num_attention_heads as number,
    activation,
    layerNormEps: (json.layer_norm_eps as number | undefined) ?? 1e-5,
  };
}

export function towerParameters(prefix: string, config: ClipTowerConfig): ParameterSpec[] {
  const { hiddenSize, intermediateSize } = config;
  return Array.from({ length: config.layers }, (_, i) => {
    const layer = `${prefix}encoder.layers.${i}`;
    return [
      ...['k_proj', 'v_proj', 'q_proj', 'out_proj'].flatMap((name) =>
        linear(`${layer}.self_attn.${name}`, hiddenSize, hiddenSize),
      ),
      ...norm(`${layer}.layer_norm1`, hiddenSize),
      ...linear(`${layer}.mlp.fc1`, hiddenSize, intermediateSize),
      ...linear(`${layer}.mlp.fc2`, intermediateSize, hiddenSize),
      ...norm(`${layer}.layer_norm2`, hiddenSize),
    ];
  }).flat();
}

/** Hidden states [B, L, D] before the first layer and after each one. `mask` as in Kernels.attention. */
export function towerStates(
  { kernels: k }: Engine,
  prefix: string,
  config: ClipTowerConfig,
  weights: Weights,
  embedded: Tensor,
  mask?: Tensor,
): Tensor[] {
  const apply = (name: string, x: Tensor) => k.linear(x, weights[`${name}.weight`]!, weights[`${name}.bias`]);
  const normed = (name: string, x: Tensor) => layerNorm(k, weights, name, x, config.layerNormEps);
  const activate = config.activation === 'quick_gelu' ? k.quickGelu : k.gelu;
  const states = [embedded];
  for (let i = 0; i < config.layers; i++) {
    const layer = `${prefix}encoder.layers.${i}`;
    let h = states.at(-1)!;
    const x = normed(`${layer}.layer_norm1`, h);
    const mixed = k.attention(
      apply(`${layer}.self_attn.q_proj`, x),
      apply(`${layer}.self_attn.k_proj`, x),
      apply(`${layer}.self_attn.v_proj`, x),
      config.heads,
      mask,
    );
    h = h.add(apply(`${layer}.self_attn.out_proj`, mixed));
    const wide = activate(apply(`${layer}.mlp.fc1`, normed(`${layer}.layer_norm2`, h)));
    states.push(h.add(apply(`${layer}.mlp.fc2`, wide)));
  }
  return states;
}

export function layerNorm(
  k: Engine['kernels'],
  weights: Weights,
  name: string,
  x: Tensor,
  eps: number,
): Tensor {
  return k.layerNorm(x, weights[`${name}.weight`]!, weights[`${name}.bias`]!, eps);
}

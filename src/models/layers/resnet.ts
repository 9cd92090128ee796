/** The residual block of UNet and VAE (diffusers ResnetBlock2D): parameters and forward pass. */
import type { Kernels } from '../../engine/kernels.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { ParameterSpec, Weights } from '../../engine/weights.ts';
import { conv, linear, norm } from './parameter-lists.ts';

export interface ResnetPlan {
  in: number;
  out: number;
}

/** `timeChannels`: width of the time embedding that shifts it; null where there is none (VAE). */
export function resnetParameters(
  prefix: string,
  resnet: ResnetPlan,
  timeChannels: number | null,
): ParameterSpec[] {
  return [
    ...norm(`${prefix}.norm1`, resnet.in),
    ...conv(`${prefix}.conv1`, resnet.in, resnet.out, 3),
    ...(timeChannels === null ? [] : linear(`${prefix}.time_emb_proj`, timeChannels, resnet.out)),
    ...norm(`${prefix}.norm2`, resnet.out),
    ...conv(`${prefix}.conv2`, resnet.out, resnet.out, 3),
    ...(resnet.in === resnet.out ? [] : conv(`${prefix}.conv_shortcut`, resnet.in, resnet.out, 1)),
  ];
}

/** h [B, H, W, in] -> [B, H, W, out]. `activeTime`: the time embedding [B, D] behind its SiLU. */
export function resnetForward(
  k: Kernels,
  weights: Weights,
  prefix: string,
  h: Tensor,
  { groups, eps, activeTime }: { groups: number; eps: number; activeTime?: Tensor },
): Tensor {
  const w = (name: string): Tensor => weights[`${prefix}.${name}`]!;
  const conv = (name: string, x: Tensor) => k.conv2d(x, w(`${name}.weight`), w(`${name}.bias`));
  const normSilu = (name: string, x: Tensor) =>
    k.groupNormSilu(x, w(`${name}.weight`), w(`${name}.bias`), groups, eps);
  let y = conv('conv1', normSilu('norm1', h));
  if (activeTime) {
    const shift = k.linear(activeTime, w('time_emb_proj.weight'), w('time_emb_proj.bias'));
    y = y.add(shift.reshape([-1, 1, 1, shift.shape[1]!]));
  }
  y = conv('conv2', normSilu('norm2', y));
  return y.add(weights[`${prefix}.conv_shortcut.weight`] ? conv('conv_shortcut', h) : h);
}

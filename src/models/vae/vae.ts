/** AutoencoderKL (diffusers): images in [-1, 1] to latents and back. */
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { Weights } from '../../engine/weights.ts';
import { type ResnetPlan, resnetForward } from '../layers/resnet.ts';
import type { VaeConfig } from './vae-parameters.ts';

const EPS = 1e-6;
/** diffusers' DiagonalGaussianDistribution keeps the logarithm of the variance within these. */
const LOGVAR_RANGE = [-30, 20] as const;

export interface Posterior {
  /** [B, H / factor, W / factor, latent] */
  mean: Tensor;
  logvar: Tensor;
}

/** The posterior of images [B, H, W, in]; height and width are multiples of `config.factor`. */
export function vaeEncode(engine: Engine, config: VaeConfig, weights: Weights, images: Tensor): Posterior {
  const { conv, resnets, mid, normOut } = layersOf(engine, config, weights);
  let h = conv('encoder.conv_in', images);
  for (const [i, block] of config.down.entries()) {
    const name = `encoder.down_blocks.${i}`;
    h = engine.tf.tidy(() => {
      const out = resnets(name, block, h);
      // Padded on the right and below only, as in the original.
      return i === config.down.length - 1 ? out : conv(`${name}.downsamplers.0.conv`, out, [0, 1, 0, 1], 2);
    });
  }
  h = normOut('encoder', mid('encoder.mid_block', h));
  if (config.quantConv) h = conv('quant_conv', h);
  const [mean, logvar] = engine.tf.split(h, 2, 3) as [Tensor, Tensor];
  return { mean, logvar: logvar.clipByValue(...LOGVAR_RANGE) };
}

/** Images [B, H * factor, W * factor, out] of latents [B, H, W, latent] that are not scaled any more. */
export function vaeDecode(engine: Engine, config: VaeConfig, weights: Weights, latents: Tensor): Tensor {
  const { conv, resnets, mid, normOut } = layersOf(engine, config, weights);
  let h = config.postQuantConv ? conv('post_quant_conv', latents) : latents;
  h = mid('decoder.mid_block', conv('decoder.conv_in', h));
  for (const [i, block] of config.up.entries()) {
    const name = `decoder.up_blocks.${i}`;
    h = engine.tf.tidy(() => {
      const out = resnets(name, block, h);
      if (i === config.up.length - 1) return out;
      return conv(`${name}.upsamplers.0.conv`, engine.kernels.upsampleNearest2x(out));
    });
  }
  return normOut('decoder', h);
}

function layersOf({ tf, kernels: k }: Engine, config: VaeConfig, weights: Weights) {
  const groups = config.normNumGroups;
  const w = (name: string): Tensor => weights[name]!;
  const conv = (name: string, h: Tensor, pad?: [number, number, number, number], stride: 1 | 2 = 1) =>
    k.conv2d(h, w(`${name}.weight`), w(`${name}.bias`), { stride, ...(pad && { pad }) });
  const linear = (name: string, h: Tensor) => k.linear(h, w(`${name}.weight`), w(`${name}.bias`));
  // Blocks free what they computed on the way: at full size one feature map is as large as many layers' weights.
  const resnet = (name: string, h: Tensor) =>
    tf.tidy(() => resnetForward(k, weights, name, h, { groups, eps: EPS }));
  const resnets = (name: string, block: readonly ResnetPlan[], h: Tensor) =>
    block.reduce((x, _, j) => resnet(`${name}.resnets.${j}`, x), h);

  /** Self-attention over all pixels, with one head. */
  function attention(name: string, h: Tensor): Tensor {
    const [batch, height, width, channels] = h.shape as [number, number, number, number];
    const normed = k.groupNorm(h, w(`${name}.group_norm.weight`), w(`${name}.group_norm.bias`), groups, EPS);
    const pixels = normed.reshape([batch, height * width, channels]);
    const [q, key, v] = ['to_q', 'to_k', 'to_v'].map((part) => linear(`${name}.${part}`, pixels));
    return linear(`${name}.to_out.0`, k.attention(q!, key!, v!, 1))
      .reshape(h.shape)
      .add(h);
  }

  return {
    conv,
    resnets,
    mid(name: string, h: Tensor): Tensor {
      return tf.tidy(() => {
        const mixed = tf.tidy(() => attention(`${name}.attentions.0`, resnet(`${name}.resnets.0`, h)));
        return resnet(`${name}.resnets.1`, mixed);
      });
    },
    normOut: (side: 'encoder' | 'decoder', h: Tensor) => {
      const norm = `${side}.conv_norm_out`;
      return conv(
        `${side}.conv_out`,
        k.groupNormSilu(h, w(`${norm}.weight`), w(`${norm}.bias`), groups, EPS),
      );
    },
  };
}

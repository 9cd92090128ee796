/** AutoencoderKL: posterior, scaled latent, decoded images, at square and other sizes; large ones in tiles. */
import path from 'node:path';
import { disposeWeights, loadWeights } from '../../src/engine/weights.ts';
import { vaeDecode, vaeEncode } from '../../src/models/vae.ts';
import { parseVaeConfig, vaeAlias, vaeParameters } from '../../src/models/vae-parameters.ts';
import { decodeTiled } from '../../src/models/vae-tiles.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, fromNhwc, readJson, toNhwc } from './tensors.ts';

async function loadVae(folder: string) {
  const config = parseVaeConfig(readJson(folder, 'config.json'));
  const file = path.join(folder, 'diffusion_pytorch_model.safetensors');
  return { config, weights: await loadWeights(engine, file, vaeParameters(config), { alias: vaeAlias }) };
}

async function vae(golden: GoldenCase): Promise<void> {
  const { config, weights } = await loadVae(path.join(golden.folder, 'model'));
  golden.exact('scaling_factor', config.scalingFactor, golden.json.scaling_factor);
  for (const name of Object.keys(golden.input).filter((key) => key.startsWith('image'))) {
    const { mean, logvar } = vaeEncode(engine, config, weights, toNhwc(golden.input[name]!));
    golden.check(`${name}.mean`, fromNhwc(mean));
    golden.check(`${name}.logvar`, fromNhwc(logvar));
    golden.check(`${name}.latent`, fromNhwc(mean.mul(config.scalingFactor)));
    golden.check(`${name}.decoded`, fromNhwc(vaeDecode(engine, config, weights, mean)));
  }
  const latent = toNhwc(golden.input.latent!);
  golden.check('decoded_latent', fromNhwc(vaeDecode(engine, config, weights, latent)));
  disposeWeights(weights);
}

async function tiled(golden: GoldenCase): Promise<void> {
  const { config, weights } = await loadVae(path.join(golden.folder, '../vae/model'));
  for (const [name, latent] of Object.entries(golden.input)) {
    const decoded = decodeTiled(engine, config, weights, toNhwc(latent), golden.json.tile_latents);
    golden.check(`${name}.decoded`, fromNhwc(decoded));
  }
  disposeWeights(weights);
}

export const components: Record<string, ComponentCheck> = {
  AutoencoderKL: vae,
  'AutoencoderKL, old attention key names': vae,
  'AutoencoderKL, decoded in tiles': tiled,
};

/** AutoencoderKL: images decoded in tiles, with the weights of the case "vae". */
import path from 'node:path';
import { disposeWeights } from '../../src/engine/weights.ts';
import { loadNetwork } from '../../src/models/folders/model-folder.ts';
import { VAE } from '../../src/models/folders/network-kinds.ts';
import { decodeTiled } from '../../src/models/vae/vae-tiles.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, fromNhwc, toNhwc } from './tensors.ts';

async function tiled(golden: GoldenCase): Promise<void> {
  const { config, weights } = await loadNetwork(engine, path.join(golden.folder, '../vae/model'), VAE);
  for (const [name, latent] of Object.entries(golden.input)) {
    const decoded = decodeTiled(engine, config, weights, toNhwc(latent), golden.json.tile_latents);
    golden.check(`${name}.decoded`, fromNhwc(decoded));
  }
  disposeWeights(weights);
}

export const components: Record<string, ComponentCheck> = { 'AutoencoderKL, decoded in tiles': tiled };

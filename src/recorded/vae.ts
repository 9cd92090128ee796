/** AutoencoderKL: posterior, scaled latent and decoded images, at square and other sizes. */
import type { Engine } from '../engine/engine.ts';
import { disposeWeights } from '../engine/weights.ts';
import { loadNetwork } from '../models/folders/model-folder.ts';
import { VAE } from '../models/folders/network-kinds.ts';
import { vaeDecode, vaeEncode } from '../models/vae/vae.ts';
import type { RecordedCase } from './case.ts';
import { fromNhwc, toNhwc } from './tensors.ts';

export async function checkVae(engine: Engine, recorded: RecordedCase, folder: string): Promise<void> {
  const { config, weights } = await loadNetwork(engine, folder, VAE);
  recorded.exact('scaling_factor', config.scalingFactor, recorded.json.scaling_factor);
  for (const name of Object.keys(recorded.input).filter((key) => key.startsWith('image'))) {
    const image = toNhwc(engine, recorded.given(name));
    const { mean, logvar } = vaeEncode(engine, config, weights, image);
    recorded.check(`${name}.mean`, fromNhwc(mean));
    recorded.check(`${name}.logvar`, fromNhwc(logvar));
    recorded.check(`${name}.latent`, fromNhwc(mean.mul(config.scalingFactor)));
    recorded.check(`${name}.decoded`, fromNhwc(vaeDecode(engine, config, weights, mean)));
  }
  const latent = toNhwc(engine, recorded.given('latent'));
  recorded.check('decoded_latent', fromNhwc(vaeDecode(engine, config, weights, latent)));
  disposeWeights(weights);
}

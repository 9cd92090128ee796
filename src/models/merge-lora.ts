/** A UNet with a LoRA in it, as diffusers' fuse_lora leaves one. */
import type { Engine } from '../engine/engine.ts';
import { disposeWeights } from '../engine/weights.ts';
import { withLora } from './lora.ts';
import { loadLora } from './lora-files.ts';
import type { Network } from './model-folder.ts';
import type { UNetConfig } from './unet-config.ts';

/** Changes the network's weights. Throws DIPTYCH_BAD_MODEL as `loadLora` does. */
export async function mergeLora(engine: Engine, unet: Network<UNetConfig>, file: string): Promise<void> {
  const { config, weights } = await loadLora(engine, file, unet.specs);
  const replaced = config.targets.map(({ name }) => unet.weights[name]!);
  unet.weights = withLora(engine, config, unet.weights, weights);
  for (const weight of replaced) weight.dispose();
  disposeWeights(weights);
}

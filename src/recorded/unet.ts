/** UNet2DConditionModel: the prediction for some timesteps, text states and, in SDXL's layout, pooled text and sizes. */
import type { Engine, Tensor } from '../engine/engine.ts';
import { disposeWeights, type Weights } from '../engine/weights.ts';
import { loadNetwork, type Network } from '../models/folders/model-folder.ts';
import { UNET } from '../models/folders/network-kinds.ts';
import { unetForward } from '../models/unet/unet.ts';
import type { UNetConfig } from '../models/unet/unet-config.ts';
import type { RecordedCase } from './case.ts';
import { device, fromNhwc, toNhwc } from './tensors.ts';

export async function checkUnet(engine: Engine, recorded: RecordedCase, folder: string): Promise<void> {
  const unet = await loadNetwork(engine, folder, UNET);
  const x = toNhwc(engine, recorded.given('sample'));
  recorded.check('sample', fromNhwc(recordedForward(engine, recorded, unet)(x, unet.weights)));
  disposeWeights(unet.weights);
}

/** The prediction for a recorded case's timesteps and conditions, as a function of its input and the weights. */
export function recordedForward(
  engine: Engine,
  recorded: RecordedCase,
  { config }: Network<UNetConfig>,
): (sample: Tensor, weights: Weights) => Tensor {
  const { input } = recorded;
  const text = recorded.given('encoder_hidden_states');
  recorded.exact('width of encoder_hidden_states', config.crossAttentionDim, text.shape[2]);
  const pooled = input.text_embeds ?? input['added.text_embeds'];
  const timeIds = input.time_ids ?? input['added.time_ids'];
  const added =
    pooled && timeIds ? { textEmbeds: device(engine, pooled), timeIds: device(engine, timeIds) } : undefined;
  const [t, states] = [device(engine, recorded.given('timestep')), device(engine, text)];
  return (sample, weights) => unetForward(engine, config, weights, sample, t, { states, added });
}

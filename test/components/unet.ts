/** UNet2DConditionModel: output, loss mean(out^2), and gradients. */
import path from 'node:path';
import type { Tensor } from '../../src/engine/engine.ts';
import { disposeWeights } from '../../src/engine/weights.ts';
import { loadNetwork } from '../../src/models/folders/model-folder.ts';
import { UNET } from '../../src/models/folders/network-kinds.ts';
import { checkUnet, recordedForward } from '../../src/recorded/unet.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, fromNhwc, inTorchLayout, toNhwc, values } from './tensors.ts';

async function unet(golden: GoldenCase): Promise<void> {
  const folder = path.join(golden.folder, 'model');
  await checkUnet(engine, golden, folder);

  const network = await loadNetwork(engine, folder, UNET);
  const { weights, specs } = network;
  const forward = recordedForward(engine, golden, network);
  const names = golden.json.grad_params as string[];
  const { value, grads } = engine.tf.valueAndGrads((sample: Tensor, ...parts: Tensor[]) =>
    forward(sample, { ...weights, ...Object.fromEntries(names.map((n, i) => [n, parts[i]!])) })
      .square()
      .mean(),
  )([toNhwc(golden.input.sample!), ...names.map((n) => weights[n]!)]);
  golden.check('loss', values(value));
  golden.check('grad_input', fromNhwc(grads[0]!));
  for (const [i, n] of names.entries()) golden.check(`grad.${n}`, inTorchLayout(grads[i + 1]!, n, specs));
  disposeWeights(weights);
}

export const components: Record<string, ComponentCheck> = {
  'UNet2DConditionModel, SD1.5 layout': unet,
  'UNet2DConditionModel, SDXL layout': unet,
};

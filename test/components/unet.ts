/** UNet2DConditionModel: output, loss mean(out^2), and gradients. */
import path from 'node:path';
import type { Tensor } from '../../src/engine/engine.ts';
import { disposeWeights, loadWeights, type Weights } from '../../src/engine/weights.ts';
import { unetForward } from '../../src/models/unet.ts';
import { parseUNetConfig } from '../../src/models/unet-config.ts';
import { unetParameters } from '../../src/models/unet-parameters.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { device, engine, fromNhwc, inTorchLayout, readJson, toNhwc, values } from './tensors.ts';

async function unet(golden: GoldenCase): Promise<void> {
  const config = parseUNetConfig(readJson(golden.folder, 'model', 'config.json'));
  const specs = unetParameters(config);
  const file = path.join(golden.folder, 'model', 'diffusion_pytorch_model.safetensors');
  const weights = await loadWeights(engine, file, specs);
  const { input } = golden;
  const pooled = input.text_embeds ?? input['added.text_embeds'];
  const timeIds = input.time_ids ?? input['added.time_ids'];
  const added = pooled && timeIds ? { textEmbeds: device(pooled), timeIds: device(timeIds) } : undefined;
  const x = toNhwc(input.sample!);
  const [t, states] = [device(input.timestep!), device(input.encoder_hidden_states!)];
  const forward = (sample: Tensor, w: Weights) =>
    unetForward(engine, config, w, sample, t, { states, added });
  golden.check('sample', fromNhwc(forward(x, weights)));

  const names = golden.json.grad_params as string[];
  const { value, grads } = engine.tf.valueAndGrads((sample: Tensor, ...parts: Tensor[]) =>
    forward(sample, { ...weights, ...Object.fromEntries(names.map((n, i) => [n, parts[i]!])) })
      .square()
      .mean(),
  )([x, ...names.map((n) => weights[n]!)]);
  golden.check('loss', values(value));
  golden.check('grad_input', fromNhwc(grads[0]!));
  for (const [i, n] of names.entries()) golden.check(`grad.${n}`, inTorchLayout(grads[i + 1]!, n, specs));
  disposeWeights(weights);
}

export const components: Record<string, ComponentCheck> = {
  'UNet2DConditionModel, SD1.5 layout': unet,
  'UNet2DConditionModel, SDXL layout': unet,
};

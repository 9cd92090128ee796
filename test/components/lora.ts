/** LoRA on one linear layer and one convolution, with gradients, and on a UNet from files with and without alpha. */
import path from 'node:path';
import type { Tensor } from '../../src/engine/engine.ts';
import { loadWeights, type ParameterSpec, toEngineLayout, type Weights } from '../../src/engine/weights.ts';
import { loadLora } from '../../src/models/folders/lora-files.ts';
import { loraConfig, loraParameters, withLora } from '../../src/models/unet/lora.ts';
import { unetForward } from '../../src/models/unet/unet.ts';
import { parseUNetConfig } from '../../src/models/unet/unet-config.ts';
import { unetParameters } from '../../src/models/unet/unet-parameters.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { device, engine, fromNhwc, inTorchLayout, readJson, toNhwc, values } from './tensors.ts';

const FILE = 'pytorch_lora_weights.safetensors';

/** y = layer(x), and the gradients of mean(y^2) for A and B. */
function layer(golden: GoldenCase, kind: 'linear' | 'conv'): void {
  const { input, json } = golden;
  const { kernels: k, tf } = engine;
  const part = (name: string) => input[`${kind}.${name}`]!;
  const inEngine = (name: string) => device(toEngineLayout(part(name), kind));
  const target: ParameterSpec = { name: `${kind}.weight`, shape: part('weight').shape, kind };
  const config = loraConfig([target], json.rank, json.alpha);
  const specs = loraParameters(config);
  const [A, B] = specs.map(({ name }) => name) as [string, string];
  const base = { [target.name]: inEngine('weight') };
  const bias = device(part('bias'));
  const x = kind === 'conv' ? toNhwc(part('x')) : device(part('x'));
  const forward = (lora: Weights) => {
    const weight = withLora(engine, config, base, lora)[target.name]!;
    return kind === 'conv' ? k.conv2d(x, weight, bias) : k.linear(x, weight, bias);
  };

  const lora = { [A]: inEngine('A'), [B]: inEngine('B') };
  const y = forward(lora);
  golden.check(`${kind}.y`, kind === 'conv' ? fromNhwc(y) : values(y));
  const { grads } = tf.valueAndGrads((a: Tensor, b: Tensor) =>
    forward({ [A]: a, [B]: b })
      .square()
      .mean(),
  )([lora[A]!, lora[B]!]);
  golden.check(`${kind}.grad.A`, inTorchLayout(grads[0]!, A, specs));
  golden.check(`${kind}.grad.B`, inTorchLayout(grads[1]!, B, specs));
}

async function unet(golden: GoldenCase): Promise<void> {
  const { folder, input, json } = golden;
  const model = path.join(folder, json.unet_model);
  const config = parseUNetConfig(readJson(model, 'config.json'));
  const specs = unetParameters(config);
  const base = await loadWeights(engine, path.join(model, 'diffusion_pytorch_model.safetensors'), specs);
  const [x, t] = [toNhwc(input['unet.sample']!), device(input['unet.timestep']!)];
  const states = device(input['unet.encoder_hidden_states']!);
  const check = (name: string, weights: Weights) =>
    golden.check(name, fromNhwc(unetForward(engine, config, weights, x, t, { states })));

  check('unet_base', base);
  for (const [name, file, alpha] of [
    ['unet', path.join('adapter', FILE), json.unet_alpha],
    ['unet_scale1', FILE, json.unet_rank],
  ]) {
    const lora = await loadLora(engine, path.join(folder, file), specs);
    golden.exact(`${name}: rank, alpha`, [lora.config.rank, lora.config.alpha], [json.unet_rank, alpha]);
    check(name, withLora(engine, lora.config, base, lora.weights));
    engine.tf.dispose(lora.weights);
  }
  engine.tf.dispose(base);
}

async function lora(golden: GoldenCase): Promise<void> {
  layer(golden, 'linear');
  layer(golden, 'conv');
  await unet(golden);
}

export const components: Record<string, ComponentCheck> = { LoRA: lora };

/** SDXL-SG from texts: both tokenizers and text encoders, the scene-graph encoder, the UNet, the gradients of its loss. */
import path from 'node:path';
import type { Tensor } from '../../src/engine/engine.ts';
import { loadWeights } from '../../src/engine/weights.ts';
import { loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import type { TripleText } from '../../src/models/inputs/prompt.ts';
import { promptStates } from '../../src/models/inputs/scene-graph-condition.ts';
import { encodePrompts } from '../../src/models/inputs/text-condition.ts';
import {
  parseSceneGraphEncoderConfig,
  sceneGraphEncoderParameters,
} from '../../src/models/scene-graph/scene-graph-encoder-parameters.ts';
import { noiseLoss } from '../../src/training/scene-graph/train-scene-graph-encoder.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { device, engine, inTorchLayout, readJson, toNhwc, values } from './tensors.ts';

const { tf } = engine;

async function sceneGraphCondition(golden: GoldenCase): Promise<void> {
  const { input, json } = golden;
  const config = parseSceneGraphEncoderConfig(readJson(golden.folder, 'model', 'config.json'));
  const specs = sceneGraphEncoderParameters(config);
  const weights = await loadWeights(engine, path.join(golden.folder, 'model', 'model.safetensors'), specs);
  const base = await loadDiffusionModel(engine, path.join(golden.folder, '../generate-sdxl/model'));
  const model = { ...base, sceneGraph: { config, specs, weights } };
  const prompts = json.graphs as { text: string; triples: TripleText[] }[];
  const { states, added } = encodePrompts(engine, model, prompts);
  golden.check('states', values(states));
  golden.check('pooled', values(added!.textEmbeds));

  const batch = {
    states: toNhwc(input.x!),
    timesteps: device(input.timesteps!).cast('float32') as Tensor,
    noise: toNhwc(input.noise!),
    prompts: promptStates(engine, model, prompts),
  };
  const names = json.grad_params as string[];
  const { value, grads } = tf.valueAndGrads((...parts: Tensor[]) => {
    const changed = { ...weights, ...Object.fromEntries(names.map((n, i) => [n, parts[i]!])) };
    return noiseLoss(engine, model, config, changed, batch);
  })(names.map((n) => weights[n]!));
  golden.check('loss', values(value));
  for (const [i, n] of names.entries()) golden.check(`grad.${n}`, inTorchLayout(grads[i]!, n, specs));
}

export const components: Record<string, ComponentCheck> = {
  'SDXL-SG conditioning of texts, and its diffusion loss': sceneGraphCondition,
};

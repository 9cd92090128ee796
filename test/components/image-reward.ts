/** ImageReward: image tokens, text feature, the head's value and the reward, row by row. */
import path from 'node:path';
import { disposeWeights } from '../../src/engine/weights.ts';
import { loadBlipWeights } from '../../src/models/blip/blip-vision.ts';
import {
  imageRewardAlias,
  imageRewardParameters,
  imageRewards,
  parseImageRewardConfig,
} from '../../src/models/image-scores/image-reward.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, readJson, rows, toNhwc, values } from './tensors.ts';

async function imageReward(golden: GoldenCase): Promise<void> {
  const { input, folder } = golden;
  const config = parseImageRewardConfig(medConfig(readJson(folder, 'model', 'config.json')));
  const file = path.join(folder, 'model', 'model.safetensors');
  const specs = imageRewardParameters(config);
  const weights = await loadBlipWeights(engine, file, specs, { alias: imageRewardAlias });
  const ids = rows(input.input_ids!);
  const attended = rows(input.attention_mask!);
  const pixels = toNhwc(input.pixel_values!);
  const got = imageRewards(engine, config, weights, pixels, ids, attended);
  golden.check('image_embeds', values(got.imageTokens));
  golden.check('text_features', values(got.textFeatures));
  golden.check('raw', values(got.raw));
  golden.check('reward', values(got.reward));
  disposeWeights(weights);
}

/** The recorded case's short names in those of med_config.json. */
export function medConfig(json: Record<string, unknown>): Record<string, unknown> {
  return {
    ...{ hidden_size: json.hidden, intermediate_size: json.inter, vocab_size: json.vocab },
    ...{ num_hidden_layers: json.layers, num_attention_heads: json.heads },
    ...{ max_position_embeddings: json.max_position_embeddings, mean: json.mean, std: json.std },
    vision_config: {
      ...{ hidden_size: json.vw, intermediate_size: 4 * Number(json.vw), num_hidden_layers: json.vdepth },
      ...{ num_attention_heads: json.vheads, image_size: json.img, patch_size: json.patch },
    },
  };
}

export const components: Record<string, ComponentCheck> = { ImageReward: imageReward };

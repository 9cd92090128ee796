/** ImageReward: image tokens, text feature, the head's value and the reward, row by row. */
import path from 'node:path';
import { disposeWeights, loadWeights } from '../../src/engine/weights.ts';
import {
  imageRewardAlias,
  imageRewardParameters,
  imageRewards,
  parseImageRewardConfig,
} from '../../src/models/image-reward.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, readJson, rows, toNhwc, values } from './tensors.ts';

async function imageReward(golden: GoldenCase): Promise<void> {
  const { input, folder } = golden;
  const config = parseImageRewardConfig(readJson(folder, 'model', 'config.json'));
  const file = path.join(folder, 'model', 'model.safetensors');
  const weights = await loadWeights(engine, file, imageRewardParameters(config), { alias: imageRewardAlias });
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

export const components: Record<string, ComponentCheck> = { ImageReward: imageReward };

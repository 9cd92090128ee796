/** CLIPTextModel and CLIPTextModelWithProjection, from every model folder of the case. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { disposeWeights, loadWeights } from '../../src/engine/weights.ts';
import {
  clipTextForward,
  clipTextParameters,
  parseClipTextConfig,
  textAlias,
} from '../../src/models/clip-text.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, readJson, rows, values } from './tensors.ts';

async function clipText(golden: GoldenCase): Promise<void> {
  for (const folder of readdirSync(golden.folder).filter((name) => name.startsWith('model'))) {
    const config = parseClipTextConfig(readJson(golden.folder, folder, 'config.json'));
    const file = path.join(golden.folder, folder, 'model.safetensors');
    const weights = await loadWeights(engine, file, clipTextParameters(config), { alias: textAlias });
    for (const suffix of ['', '_unpadded']) {
      const states = clipTextForward(engine, config, weights, rows(golden.input[`input_ids${suffix}`]!));
      golden.check(`last_hidden_state${suffix}`, values(states.last));
      golden.check(`hidden_penultimate${suffix}`, values(states.penultimate));
      golden.check(`pooled${suffix}`, values(states.pooled));
      const projects = `text_embeds${suffix}` in golden.output;
      golden.exact(`text_embeds${suffix} is there`, states.embeds !== null, projects);
      if (states.embeds) golden.check(`text_embeds${suffix}`, values(states.embeds));
    }
    disposeWeights(weights);
  }
}

export const components: Record<string, ComponentCheck> = {
  'CLIP text encoder (quick_gelu)': clipText,
  'CLIP text encoder with projection (exact gelu)': clipText,
};

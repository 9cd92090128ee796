/** OwlViTForObjectDetection: logits, boxes and the embeddings behind them, a padded query among them. */
import path from 'node:path';
import { disposeWeights, loadWeights } from '../../src/engine/weights.ts';
import { owlVitForward } from '../../src/models/owlvit/owlvit.ts';
import { owlVitParameters, parseOwlVitConfig } from '../../src/models/owlvit/owlvit-parameters.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine, readJson, rows, toNhwc, values } from './tensors.ts';

async function owlVit(golden: GoldenCase): Promise<void> {
  const config = parseOwlVitConfig(readJson(golden.folder, 'model', 'config.json'));
  const file = path.join(golden.folder, 'model', 'model.safetensors');
  const weights = await loadWeights(engine, file, owlVitParameters(config));
  const queries = { ids: rows(golden.input.input_ids!), attended: rows(golden.input.attention_mask!) };
  const pixels = toNhwc(golden.input.pixel_values!);
  const found = owlVitForward(engine, config, weights, pixels, queries);
  golden.exact('queries per image', found.logits.shape.at(-1), golden.json.queries);
  golden.check('logits', values(found.logits));
  golden.check('pred_boxes', values(found.boxes));
  golden.check('text_embeds', values(found.textEmbeds));
  golden.check('image_embeds', values(found.imageEmbeds));
  golden.check('class_embeds', values(found.classEmbeds));
  disposeWeights(weights);
}

export const components: Record<string, ComponentCheck> = { 'OWL-ViT detection': owlVit };

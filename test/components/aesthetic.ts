/** LAION's aesthetic head: the five layers, and the vector that they collapse to. */
import path from 'node:path';
import { disposeWeights, loadWeights } from '../../src/engine/weights.ts';
import { unitRows } from '../../src/models/clip/clip.ts';
import {
  aestheticParameters,
  aestheticScores,
  collapsedHead,
} from '../../src/models/image-scores/aesthetic.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { device, engine, readJson, values } from './tensors.ts';

async function aesthetic(golden: GoldenCase): Promise<void> {
  const { sizes } = readJson(golden.folder, 'model', 'config.json');
  const file = path.join(golden.folder, 'model', 'model.safetensors');
  const weights = await loadWeights(engine, file, aestheticParameters(sizes));
  const embedding = device(golden.input.embedding!);
  golden.check('normalised', values(unitRows(embedding)));
  golden.check('score', values(aestheticScores(engine, weights, embedding)));
  const { vector, bias } = collapsedHead(engine, sizes, weights);
  golden.check('collapsed_vector', values(vector));
  golden.check('collapsed_bias', values(bias));
  disposeWeights(weights);
}

export const components: Record<string, ComponentCheck> = { 'aesthetic head': aesthetic };

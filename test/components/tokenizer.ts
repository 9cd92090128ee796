/** CLIP's tokenizer: every text encodes as the slow reference tokenizer does. */
import { loadTokenizer } from '../../src/models/tokenizers/tokenizer.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { readJson } from './tensors.ts';

async function clipTokenizer(golden: GoldenCase): Promise<void> {
  const tokenizer = await loadTokenizer(golden.folder);
  const cases = readJson(golden.folder, 'cases.json') as { text: string; ids: number[] }[];
  golden.exact('number of texts', cases.length, golden.json.count);
  for (const { text, ids } of cases) golden.exact(text, tokenizer.encode(text), ids);
}

export const components: Record<string, ComponentCheck> = { 'CLIP tokenizer': clipTokenizer };

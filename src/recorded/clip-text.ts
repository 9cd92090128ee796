/** CLIPTextModel and CLIPTextModelWithProjection: last and penultimate states, pooled and projected ones. */
import type { Engine } from '../engine/engine.ts';
import { disposeWeights } from '../engine/weights.ts';
import { clipTextForward } from '../models/clip/clip-text.ts';
import { loadNetwork } from '../models/folders/model-folder.ts';
import { CLIP_TEXT } from '../models/folders/network-kinds.ts';
import type { RecordedCase } from './case.ts';
import { rows } from './tensors.ts';

export async function checkClipText(engine: Engine, recorded: RecordedCase, folder: string): Promise<void> {
  const { config, weights } = await loadNetwork(engine, folder, CLIP_TEXT);
  for (const suffix of ['', '_unpadded']) {
    const ids = rows(recorded.given(`input_ids${suffix}`));
    const states = clipTextForward(engine, config, weights, ids);
    recorded.check(`last_hidden_state${suffix}`, states.last.dataSync());
    recorded.check(`hidden_penultimate${suffix}`, states.penultimate.dataSync());
    recorded.check(`pooled${suffix}`, states.pooled.dataSync());
    const projects = `text_embeds${suffix}` in recorded.output;
    recorded.exact(`text_embeds${suffix} is there`, states.embeds !== null, projects);
    if (states.embeds) recorded.check(`text_embeds${suffix}`, states.embeds.dataSync());
  }
  disposeWeights(weights);
}

/** Annotations as prompts for a model. */
import type { Annotation } from '../src/annotations/annotation.ts';
import { tripleTexts } from '../src/annotations/prompt.ts';
import { hasSceneGraphEncoder } from '../src/models/folders/model-folder.ts';
import { type Prompt, textPrompt } from '../src/models/inputs/prompt.ts';
import { getAnnotations } from '../src/store/annotations.ts';
import type { Store } from '../src/store/client.ts';

export type PromptMaker = (from: { prompt: string; body: Annotation }) => Prompt;

/** With the triples where the model in `folder` reads them, so that nothing hangs on a graph that nobody looked at. */
export function promptMaker(folder: string): PromptMaker {
  if (!hasSceneGraphEncoder(folder)) return ({ prompt }) => textPrompt(prompt);
  return ({ prompt, body }) => ({ text: prompt, triples: tripleTexts(body) });
}

/** Candidates as a training run gets them. */
export async function promptedCandidates(
  store: Store,
  folder: string,
  candidates: readonly { id: string; annotationId: string; prompt: string; sha256: string }[],
): Promise<{ id: string; prompt: Prompt; sha256: string }[]> {
  if (!hasSceneGraphEncoder(folder))
    return candidates.map(({ id, prompt, sha256 }) => ({ id, prompt: textPrompt(prompt), sha256 }));
  const promptOf = promptMaker(folder);
  const annotations = await getAnnotations(store, [...new Set(candidates.map((c) => c.annotationId))]);
  const prompts = new Map(annotations.map((annotation) => [annotation.id, promptOf(annotation)]));
  return candidates.map(({ id, annotationId, sha256 }) => ({
    id,
    prompt: prompts.get(annotationId)!,
    sha256,
  }));
}

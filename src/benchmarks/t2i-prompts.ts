/** T2I-CompBench's prompt files (Karine-Huang/T2I-CompBench examples/dataset/*_val.txt): one prompt a line. */
import type { Annotation, Item, Relation } from '../annotations/annotation.ts';
import type { T2iCategory } from '../annotations/benchmark.ts';
import { validateAnnotation } from '../annotations/validate.ts';
import { badFile } from './bench-text.ts';
import { type NounPhrase, nounPhrases } from './noun-phrases.ts';

/** As many as img_ids of four digits can tell in the order of the file. */
const MAX_PROMPTS = 9999;

/** Annotations "CATEGORY-0001" and so on. Throws DIPTYCH_BAD_FILE with the line of the first thing that is wrong. */
export function readT2iPrompts(text: string, category: T2iCategory): Annotation[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const prompts = lines
    .map((prompt, i) => ({ prompt: prompt.trim(), line: i + 1 }))
    .filter(({ prompt }) => prompt !== '');
  if (prompts.length === 0) throw badFile(1, 'column 1', 'there is no prompt in the file');
  if (prompts.length > MAX_PROMPTS) {
    throw badFile(prompts[MAX_PROMPTS]!.line, 'column 1', `a file has at most ${MAX_PROMPTS} prompts`);
  }
  return prompts.map(({ prompt, line }, i) => {
    const annotation = annotationOf(`${category}-${String(i + 1).padStart(4, '0')}`, prompt, category);
    const { problem } = validateAnnotation(annotation);
    if (problem)
      throw badFile(line, 'column 1', `"${prompt.slice(0, 60)}": ${problem.field} ${problem.reason}`);
    return annotation;
  });
}

function annotationOf(imgId: string, prompt: string, category: T2iCategory): Annotation {
  const phrases = nounPhrases(prompt);
  return {
    img_id: imgId,
    items: itemsOf(phrases, prompt),
    relations: relationsOf(phrases, prompt),
    benchmark: {
      name: 't2i-compbench',
      prompt,
      category,
      noun_phrases: phrases.map(({ text }) => text),
    },
  };
}

/** A graph has at least one item: a prompt without a phrase is one itself. */
function itemsOf(phrases: readonly NounPhrase[], prompt: string): Item[] {
  if (phrases.length === 0) return [{ item_id: 0, label: prompt, attributes: [] }];
  return phrases.map(({ label, attributes }, item_id) => ({ item_id, label, attributes }));
}

/** What stands between a phrase and the next one: "on the left of", "was on top of", but not "and" or a comma. */
function relationsOf(phrases: readonly NounPhrase[], prompt: string): Relation[] {
  let end = 0;
  const places = phrases.map(({ text }) => {
    const from = prompt.indexOf(text, end);
    end = from + text.length;
    return { from, end };
  });
  return places.slice(1).flatMap(({ from }, i): Relation[] => {
    const relation = prompt.slice(places[i]!.end, from).trim();
    if (relation === '' || relation === 'and' || /[,.;:]/.test(relation)) return [];
    return [{ item1: i, relation, item2: i + 1 }];
  });
}

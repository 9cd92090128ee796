/**
 * The text of a scene graph, as LAION-SG's own encoder makes it (sgEncoder/sg_encoder.py): each triple as
 * "subject relation object", then the items that stand in no relation.
 */
import type { Annotation, Item } from './annotation.ts';

export interface Triple {
  subject: Item;
  relation: string;
  object: Item;
}

/** Attributes, then the label: "small red circle". */
export function nodeText(item: Item): string {
  return [...item.attributes, item.label].join(' ');
}

/** The relations in order, with their items. */
export function triples(annotation: Annotation): Triple[] {
  const byId = new Map(annotation.items.map((item) => [item.item_id, item]));
  return annotation.relations.map(({ item1, relation, item2 }) => ({
    subject: byId.get(item1)!,
    relation,
    object: byId.get(item2)!,
  }));
}

/** Items that no relation mentions, in order. */
export function isolatedItems(annotation: Annotation): Item[] {
  const related = new Set(annotation.relations.flatMap(({ item1, item2 }) => [item1, item2]));
  return annotation.items.filter((item) => !related.has(item.item_id));
}

/** The relations in order, as texts: what a scene-graph encoder gets. */
export function tripleTexts(annotation: Annotation): [subject: string, relation: string, object: string][] {
  return triples(annotation).map((t) => [nodeText(t.subject), t.relation, nodeText(t.object)]);
}

/** The prompt that generators and text metrics get: a benchmark's own, the graph's text, or the caption where there is no graph. */
export function promptText(annotation: Annotation): string {
  if (annotation.benchmark) return annotation.benchmark.prompt;
  if (annotation.items.length === 0) return annotation.caption_ori!;
  return [...tripleTexts(annotation).flat(), ...isolatedItems(annotation).map(nodeText)].join(' ');
}

/**
 * DPG-Bench questions (TencentQQGYLab/ELLA dpg_bench) derived from a scene graph: one entity question per
 * item, attributes that depend on their entity, relations that depend on both.
 */
import type { Annotation, Item } from '../annotations/annotation.ts';
import { nodeText, triples } from '../annotations/prompt.ts';

export interface DpgQuestion {
  /** proposition_id, from 1. */
  id: number;
  /** Ids of the questions that must be answered yes for this one to count. */
  dependencies: number[];
  category: 'entity' | 'attribute' | 'relation';
  /** As in the benchmark's CSV: "entity - whole (chair)". */
  tuple: string;
  question: string;
}

export function dpgQuestions(annotation: Annotation): DpgQuestion[] {
  const questions: DpgQuestion[] = [];
  const add = (question: Omit<DpgQuestion, 'id'>) =>
    questions.push({ id: questions.length + 1, ...question });
  const entityIds = new Map<number, number>();
  const seen = new Map<string, number>();

  for (const item of annotation.items) {
    const count = (seen.get(item.label) ?? 0) + 1;
    seen.set(item.label, count);
    const question =
      count === 1 ? `Is there ${article(item.label)}?` : `Are there at least ${count} of: ${item.label}?`;
    entityIds.set(item.item_id, questions.length + 1);
    add({ dependencies: [], category: 'entity', tuple: `entity - whole (${item.label})`, question });
  }
  for (const item of annotation.items) {
    for (const attribute of item.attributes) {
      add({
        dependencies: [entityIds.get(item.item_id)!],
        category: 'attribute',
        tuple: `attribute - other (${item.label}, ${attribute})`,
        question: `Is there ${article(`${attribute} ${item.label}`)}?`,
      });
    }
  }
  const name = (item: Item) => ((seen.get(item.label) ?? 0) > 1 ? nodeText(item) : item.label);
  for (const { subject, relation, object } of triples(annotation)) {
    add({
      dependencies: [entityIds.get(subject.item_id)!, entityIds.get(object.item_id)!],
      category: 'relation',
      tuple: `relation - other (${subject.label}, ${object.label}, ${relation})`,
      question: `Is there ${article(name(subject))} ${relation} ${article(name(object))}?`,
    });
  }
  return questions;
}

function article(text: string): string {
  return `${/^[aeiou]/i.test(text) ? 'an' : 'a'} ${text}`;
}

/**
 * The questions of DPG-Bench (TencentQQGYLab/ELLA dpg_bench): those that came with a prompt of the benchmark, or ones
 * derived from a scene graph: one entity question per item, attributes that depend on their entity, relations that
 * depend on both.
 */
import type { Annotation, Item } from '../annotations/annotation.ts';
import type { GivenQuestion } from '../annotations/benchmark.ts';
import { nodeText, triples } from '../annotations/prompt.ts';

export interface DpgQuestion extends GivenQuestion {
  /** Of the first level: entity, attribute, relation; of given ones also global and other. */
  category: string;
}

export function dpgQuestions(annotation: Annotation): DpgQuestion[] {
  if (annotation.benchmark?.name !== 'dpg-bench') return graphQuestions(annotation);
  return annotation.benchmark.questions.map((question) => ({
    ...question,
    category: dpgCategory(question.tuple).broad,
  }));
}

/** "attribute - color (chair, red)" is of the category "attribute - color", and that of "attribute". */
export function dpgCategory(tuple: string): { broad: string; detailed: string } {
  const detailed = tuple.split('(')[0]!.trim();
  return { broad: detailed.split('-')[0]!.trim(), detailed };
}

/** In the order of the graph's items, attributes and relations. */
export function graphQuestions(annotation: Annotation): DpgQuestion[] {
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

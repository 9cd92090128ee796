/**
 * SG-IoU, Entity-IoU and Relation-IoU (SG-Adapter, arXiv 2405.15321), as LAION-SG's test_iou.py measures them: a model
 * that sees the image says which of the graph's triples, labels and predicates are in it, and each list is compared
 * with the graph's. There one question asks for all three lists; here every member has a yes/no question of its own,
 * the one that DPG asks.
 */
import type { Annotation } from '../annotations/annotation.ts';
import { triples } from '../annotations/prompt.ts';
import { graphQuestions } from './dpg-questions.ts';
import { type Metric, measureEach } from './metric.ts';

/** A member of a graph's list, and a question that finds it; the same member may have several. */
interface Asked {
  member: string;
  question: string;
}

/** Labels; attributes have no say. */
export const entityIou = iouMetric('entity-iou', (annotation) => {
  const asked = questionsOf(annotation, 'entity');
  return annotation.items.map(({ label }, i) => ({ member: label, question: asked[i]! }));
});

/** Subject, predicate and object. */
export const sgIou = iouMetric('sg-iou', (annotation) => relationsOf(annotation, 'triple'));

/** Predicates: found where any triple with them is. */
export const relationIou = iouMetric('relation-iou', (annotation) => relationsOf(annotation, 'predicate'));

/** |a and b| / |a or b|; 0 when both are empty. */
export function setIou(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const both = [...a].filter((member) => b.has(member)).length;
  const either = a.size + b.size - both;
  return either === 0 ? 0 : both / either;
}

function questionsOf(annotation: Annotation, category: 'entity' | 'relation'): string[] {
  return graphQuestions(annotation)
    .filter((question) => question.category === category)
    .map(({ question }) => question);
}

function relationsOf(annotation: Annotation, member: 'triple' | 'predicate'): Asked[] {
  const asked = questionsOf(annotation, 'relation');
  return triples(annotation).map(({ subject, relation, object }, i) => ({
    member: member === 'triple' ? `${subject.label} ${relation} ${object.label}` : relation,
    question: asked[i]!,
  }));
}

/** fixed: nothing is said of a graph that has no member; compat: 0, as published. */
function iouMetric(name: string, askedOf: (annotation: Annotation) => Asked[]): Metric {
  return {
    name,
    version: '1',
    score: (subjects, { answerer }, mode) =>
      measureEach(subjects, async ({ annotation, image }) => {
        const asked = askedOf(annotation);
        if (asked.length === 0 && mode === 'fixed') return null;
        const answers = await answerer.answer(
          image,
          asked.map(({ question }) => question),
        );
        const graph = new Set(asked.map(({ member }) => member));
        const found = new Set(
          asked.filter((_, i) => answers[i]!.answer === 'yes').map(({ member }) => member),
        );
        const evidence = { answerer: answerer.name, graph: [...graph], found: [...found] };
        return { value: setIou(graph, found), evidence };
      }),
  };
}

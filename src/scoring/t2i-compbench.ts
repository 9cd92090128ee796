/**
 * T2I-CompBench (Karine-Huang/T2I-CompBench): BLIP-VQA, 2D spatial and CLIP. The scene graph takes the place of the
 * published noun and adjective parsing; a prompt of the benchmark brings its noun phrases.
 */
import type { Annotation, Item } from '../annotations/annotation.ts';
import { isolatedItems, nodeText, triples } from '../annotations/prompt.ts';
import type { RgbImage } from '../engine/image.ts';
import { type Metric, measureEach, type ScoringMode } from './metric.ts';
import type { Detection, ObjectDetector } from './ports.ts';
import { directionOf, positionScore } from './spatial-relation.ts';

/** The published evaluator asks about at most this many noun phrases. */
const MAX_CHUNKS = 8;

/** Product of P(yes) over the question "PHRASE?" for every given noun phrase, or every item. */
export const blipVqa: Metric = {
  name: 't2i-blip-vqa',
  version: '1',
  score: (subjects, { answerer }, mode) =>
    measureEach(subjects, async ({ annotation, image }) => {
      const phrases = phrasesOf(annotation).slice(0, mode === 'compat' ? MAX_CHUNKS : undefined);
      const questions = phrases.map((phrase) => `${phrase}?`);
      const answers = await answerer.answer(image, questions);
      // The published code rounds each probability to four decimals.
      const yes = answers.map((answer) => (mode === 'compat' ? Number(answer.yes.toFixed(4)) : answer.yes));
      const value = yes.reduce((product, p) => product * p, 1);
      const evidence = {
        answerer: answerer.name,
        questions: questions.map((question, i) => ({ question, yes: yes[i]! })),
      };
      return { value, evidence };
    }),
};

function phrasesOf({ benchmark, items }: Annotation): string[] {
  return benchmark?.name === 't2i-compbench' ? benchmark.noun_phrases : items.map(nodeText);
}

/**
 * A quarter for each object found (its confidence), half for its position. fixed: the mean over all spatial
 * relations, "on top of" and plain words such as "above" included, no cut. compat: the first relation only,
 * scores below 0.5 set to 0, "on top of" never right. Null without a spatial relation.
 */
export const spatial2d: Metric = {
  name: 't2i-2d-spatial',
  version: '1',
  score: (subjects, { detector }, mode) =>
    measureEach(subjects, async ({ annotation, image }) => {
      const spatial = triples(annotation).flatMap((triple) => {
        const direction = directionOf(triple.relation, mode);
        return direction === undefined ? [] : [{ ...triple, direction }];
      });
      if (spatial.length === 0) return null;
      const asked = mode === 'compat' ? spatial.slice(0, 1) : spatial;
      const parts = await Promise.all(
        asked.map(async ({ subject, relation, object, direction }) => {
          const [a, b] = await findPair(detector, image, subject, object, mode);
          const position =
            a && b ? positionScore(a.box, b.box, direction, Math.min(image.width, image.height)) : 0;
          const score = 0.25 * (a?.confidence ?? 0) + 0.25 * (b?.confidence ?? 0) + 0.5 * position;
          return {
            relation,
            subject: a ?? null,
            object: b ?? null,
            position,
            score: mode === 'compat' && score < 0.5 ? 0 : score,
          };
        }),
      );
      const value = parts.reduce((sum, { score }) => sum + score, 0) / parts.length;
      return { value, evidence: { detector: detector.name, relations: parts } };
    }),
};

/** fixed looks for "red circle", compat for "circle" as the published label match does. */
async function findPair(
  detector: ObjectDetector,
  image: RgbImage,
  subject: Item,
  object: Item,
  mode: ScoringMode,
): Promise<[Detection | undefined, Detection | undefined]> {
  const name = (item: Item) => (mode === 'compat' ? item.label : nodeText(item));
  const found = await detector.detect(image, [...new Set([name(subject), name(object)])]);
  const best = (item: Item) => found.find(({ label }) => label === name(item));
  return [best(subject), best(object)];
}

/**
 * Cosine with the prompt less its adjectives, as the published evaluator's complex mode has it; of the benchmark's
 * other categories with the prompt itself, as published.
 */
export const compbenchClip: Metric = {
  name: 't2i-clip',
  version: '1',
  async score(subjects, { clip }) {
    const texts = subjects.map(({ annotation }) => clipText(annotation));
    const scores = await clip.score(
      subjects.map(({ image }) => image),
      texts,
    );
    return scores.map(({ cosine }, i) => ({
      value: cosine,
      evidence: { scorer: clip.name, text: texts[i]! },
    }));
  },
};

function clipText(annotation: Annotation): string {
  const { benchmark, items } = annotation;
  if (benchmark?.name === 't2i-compbench') {
    if (benchmark.category !== 'complex') return benchmark.prompt;
    const attributes = new Set(items.flatMap((item) => item.attributes));
    const words = benchmark.prompt.split(/\s+/);
    return words.filter((word) => !attributes.has(word.replace(/[.,]$/, ''))).join(' ');
  }
  const related = triples(annotation).map((t) => `${t.subject.label} ${t.relation} ${t.object.label}`);
  return [...related, ...isolatedItems(annotation).map((item) => item.label)].join(' ');
}

/** The reader behind the ports that BLIP and an open-vocabulary detector stand behind elsewhere. */
import type { RgbImage } from '../engine/image.ts';
import type { Answer, Detection, ObjectDetector, VisualQuestionAnswerer } from '../scoring/ports.ts';
import { type Phrase, parsePhrase, parseQuestion, type Question } from './phrases.ts';
import { type FoundShape, readImage } from './reader.ts';
import { SIZE_BOUNDARY, type SpatialRelation } from './vocabulary.ts';

const NAME = 'sample-reader-1';

export function sampleAnswerer(): VisualQuestionAnswerer {
  return {
    name: NAME,
    async answer(image, questions) {
      const shapes = readOnce(image);
      return questions.map((text) => {
        const question = parseQuestion(text);
        return question ? answerQuestion(shapes, question) : { answer: 'no', yes: 0 };
      });
    },
  };
}

export function sampleDetector(): ObjectDetector {
  return {
    name: NAME,
    async detect(image, labels) {
      const shapes = readOnce(image);
      return labels
        .flatMap((label): Detection[] => {
          const phrase = parsePhrase(label);
          if (!phrase) return [];
          return shapes
            .filter((shape) => matches(shape, phrase))
            .map(({ box, confidence }) => ({ label, box, confidence }));
        })
        .sort((a, b) => b.confidence - a.confidence);
    },
  };
}

/** Answerer and detector ask about the same image: it is read once. */
const read = new WeakMap<RgbImage, FoundShape[]>();
function readOnce(image: RgbImage): FoundShape[] {
  const known = read.get(image);
  if (known) return known;
  const shapes = readImage(image);
  read.set(image, shapes);
  return shapes;
}

function answerQuestion(shapes: readonly FoundShape[], question: Question): Answer {
  const subjects = shapes.filter((shape) => matches(shape, question.subject));
  if (question.relation === undefined) {
    const asked = subjects[question.subject.count - 1];
    return asked ? yes(certainty(asked, question.subject)) : no(partial(shapes, question.subject));
  }
  const objects = shapes.filter((shape) => matches(shape, question.object));
  for (const a of subjects) {
    for (const b of objects) {
      if (a !== b && stands(a, question.relation, b)) return yes(a.confidence * b.confidence);
    }
  }
  return no(0);
}

const yes = (certainty: number): Answer => ({ answer: 'yes', yes: 0.5 + 0.5 * certainty });
const no = (partly: number): Answer => ({ answer: 'no', yes: 0.5 * partly });

function matches(shape: FoundShape, phrase: Phrase): boolean {
  return (
    (phrase.shape ?? shape.shape) === shape.shape &&
    (phrase.colour ?? shape.colour) === shape.colour &&
    (phrase.size ?? shape.size) === shape.size
  );
}

/** How sure a match is: the fit, and where a size was asked for, the distance from the boundary of sizes. */
function certainty(shape: FoundShape, phrase: Phrase): number {
  if (!phrase.size) return shape.confidence;
  return shape.confidence * Math.min(1, Math.abs(shape.radius - SIZE_BOUNDARY) / 0.5);
}

/** Share of the asked words that the best shape has, less than 1. */
function partial(shapes: readonly FoundShape[], phrase: Phrase): number {
  const asked = (['shape', 'colour', 'size'] as const).filter((key) => phrase[key] !== undefined);
  const shares = shapes.map(
    (shape) =>
      (shape.confidence * asked.filter((key) => phrase[key] === shape[key]).length) / (asked.length + 1),
  );
  return Math.max(0, ...shares);
}

/** Mainly along the relation's axis, and on its side. */
function stands(a: FoundShape, relation: SpatialRelation, b: FoundShape): boolean {
  const [dx, dy] = [a.x - b.x, a.y - b.y];
  const horizontal = Math.abs(dx) > Math.abs(dy);
  switch (relation) {
    case 'left of':
      return horizontal && dx < 0;
    case 'right of':
      return horizontal && dx > 0;
    case 'above':
      return !horizontal && dy < 0;
    case 'below':
      return !horizontal && dy > 0;
  }
}

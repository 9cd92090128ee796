/** Questions in the sample world's words: "Is there a small red circle left of a square?". */
import {
  COLOURS,
  type Colour,
  RELATIONS,
  SHAPES,
  type Shape,
  SIZES,
  type Size,
  type SpatialRelation,
} from './vocabulary.ts';

export interface Phrase {
  shape?: Shape;
  colour?: Colour;
  size?: Size;
  /** How many are asked for. */
  count: number;
}

/** One phrase, or two with the relation between them. */
export type Question =
  | { subject: Phrase; relation?: undefined }
  | { subject: Phrase; relation: SpatialRelation; object: Phrase };

const IGNORED = new Set(['is', 'are', 'there', 'a', 'an', 'the', 'at', 'least', 'of', 'to', 'on', 'one']);

/** Null for a text with a word that this world does not have: nothing in a sample image can answer to it. */
export function parseQuestion(text: string): Question | null {
  const plain = text.toLowerCase().replace(/[?.:,]/g, ' ');
  for (const relation of RELATIONS) {
    const at = plain.indexOf(` ${relation} `);
    if (at < 0) continue;
    const subject = parsePhrase(plain.slice(0, at));
    const object = parsePhrase(plain.slice(at + relation.length + 2));
    return subject && object && { subject, relation, object };
  }
  const subject = parsePhrase(plain);
  return subject && { subject };
}

export function parsePhrase(text: string): Phrase | null {
  const phrase: Phrase = { count: 1 };
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if ((SHAPES as readonly string[]).includes(word)) phrase.shape = word as Shape;
    else if ((COLOURS as readonly string[]).includes(word)) phrase.colour = word as Colour;
    else if ((SIZES as readonly string[]).includes(word)) phrase.size = word as Size;
    else if (/^\d+$/.test(word)) phrase.count = Number(word);
    else if (!IGNORED.has(word)) return null;
  }
  return phrase;
}

/** What a condition is made from, as plain data. */

/** [item1, relation, item2], each item with its attributes: ["red circle", "left of", "small cross"]. */
export type TripleText = readonly [item1: string, relation: string, item2: string];

export interface Prompt {
  /** The flat text: the triples in order, then what stands in none of them. */
  text: string;
  /** Read only by a model with a scene-graph encoder; none for a text that no graph lies behind. */
  triples: readonly TripleText[];
}

export const textPrompt = (text: string): Prompt => ({ text, triples: [] });

/**
 * The LAION-SG scene graph, with the dataset's own field names (Hugging Face mengcy/LAION-SG).
 * Keys that are not listed here are kept as they came.
 */
import type { Benchmark } from './benchmark.ts';

export interface Item {
  /** Index within the image; relations refer to it. */
  item_id: number;
  label: string;
  attributes: string[];
  global_item_id?: number;
  [extra: string]: unknown;
}

export interface Relation {
  triple_id?: number;
  /** item_id of the subject. */
  item1: number;
  relation: string;
  /** item_id of the object. */
  item2: number;
  [extra: string]: unknown;
}

export interface Annotation {
  img_id: string;
  /** Empty where nothing is known but the caption, which is then the prompt. */
  items: Item[];
  relations: Relation[];
  name?: string;
  caption_ori?: string;
  /** Aesthetic score, a string that holds a number. */
  score?: string;
  url?: string;
  /** Of a benchmark's prompt: what it gives, in the place of what would be made of the graph. */
  benchmark?: Benchmark;
  [extra: string]: unknown;
}

/** What a LAION-SG record must satisfy to be stored; the first thing wrong is reported by field and reason. */
import type { Annotation } from './annotation.ts';
import { checkBenchmark } from './benchmark.ts';
import { array, Invalid, integer, MAX_NAME, MAX_TEXT, object, type Problem, quote, text } from './checks.ts';

export type Validated = { annotation: Annotation; problem?: undefined } | { problem: Problem };

export const MAX_ITEMS = 256;
export const MAX_RELATIONS = 1024;
/** Deepest nesting of objects and arrays, unknown keys included. */
export const MAX_DEPTH = 64;

/** Checks a parsed JSON value. Unknown keys are kept as they came. */
export function validateAnnotation(value: unknown): Validated {
  try {
    check(value);
    return { annotation: value };
  } catch (thrown) {
    if (thrown instanceof Invalid) return { problem: thrown.problem };
    throw thrown;
  }
}

function check(value: unknown): asserts value is Annotation {
  const unstorable = findUnstorable(value);
  if (unstorable) throw new Invalid(unstorable.field, unstorable.reason);
  const record = object(value, '');
  text(record.img_id, 'img_id', MAX_NAME);
  for (const field of ['name', 'caption_ori', 'url', 'score']) {
    if (record[field] !== undefined) text(record[field], field, MAX_TEXT, true);
  }
  // An empty string is 0 to Number and NaN to parseFloat; "6.5 of 10" the other way round.
  const score = record.score as string | undefined;
  if (score !== undefined && !(Number.isFinite(Number(score)) && Number.isFinite(Number.parseFloat(score)))) {
    throw new Invalid('score', `is ${quote(record.score)}, must be a string that holds a number`);
  }
  const ids = new Set<number>();
  const items = array(record.items, 'items', MAX_ITEMS);
  const caption = (record.caption_ori as string | undefined)?.trim();
  if (items.length === 0 && !caption) {
    throw new Invalid(
      'items',
      'is empty; a scene graph has at least one item, or a caption in its place (caption_ori)',
    );
  }
  for (const [i, raw] of items.entries()) {
    const at = `items[${i}]`;
    const item = object(raw, at);
    integer(item.item_id, `${at}.item_id`);
    if (ids.has(item.item_id as number)) {
      throw new Invalid(`${at}.item_id`, `is ${item.item_id}, which an earlier item has already`);
    }
    ids.add(item.item_id as number);
    text(item.label, `${at}.label`, MAX_NAME);
    for (const [j, attribute] of array(item.attributes, `${at}.attributes`, MAX_ITEMS).entries()) {
      text(attribute, `${at}.attributes[${j}]`, MAX_NAME);
    }
    if (item.global_item_id !== undefined) integer(item.global_item_id, `${at}.global_item_id`);
  }
  for (const [i, raw] of array(record.relations, 'relations', MAX_RELATIONS).entries()) {
    const at = `relations[${i}]`;
    const relation = object(raw, at);
    text(relation.relation, `${at}.relation`, MAX_NAME);
    for (const end of ['item1', 'item2']) {
      integer(relation[end], `${at}.${end}`);
      if (!ids.has(relation[end] as number)) {
        throw new Invalid(`${at}.${end}`, `is ${relation[end]}, but no item has this item_id`);
      }
    }
    if (relation.triple_id !== undefined) integer(relation.triple_id, `${at}.triple_id`);
  }
  if (record.benchmark !== undefined) checkBenchmark(record.benchmark);
}

/**
 * The first thing, anywhere in the record, that a database would refuse or change: one such value under an
 * unknown key would fail the good records that are stored with it.
 */
export function findUnstorable(value: unknown, depth = 0): Problem | undefined {
  if (typeof value === 'string') return unstorableText(value);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return { field: '', reason: 'is a number too large for double precision' };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth === MAX_DEPTH) return { field: '', reason: `is nested deeper than ${MAX_DEPTH} levels` };
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const problem = findUnstorable(value[i], depth + 1);
      if (problem) return { ...problem, field: joined(`[${i}]`, problem.field) };
    }
    return undefined;
  }
  for (const key in value) {
    const entry = (value as Record<string, unknown>)[key];
    const problem = unstorableText(key) ?? findUnstorable(entry, depth + 1);
    if (problem) return { ...problem, field: joined(key, problem.field) };
  }
  return undefined;
}

function unstorableText(text: string): Problem | undefined {
  if (text.includes('\u0000')) {
    return { field: '', reason: 'contains a NUL character, which no database keeps' };
  }
  if (text.isWellFormed()) return undefined;
  return { field: '', reason: 'contains half of a surrogate pair, which is no character' };
}

const joined = (step: string, rest: string) =>
  rest === '' || rest.startsWith('[') ? step + rest : `${step}.${rest}`;

/** Records as LAION-SG has them, each a function of its number: 6.39 items on average, captions of 19 words, about 1.1 KB. */
import { createRandom, hashSeed } from '../../src/random.ts';

const LABELS = ['mountain', 'tree', 'lake', 'boat', 'cloud', 'house', 'woman', 'dress', 'table', 'window'];
const ATTRIBUTES = ['tall', 'leafless', 'rocky', 'white', 'wooden', 'blurred', 'dark green', 'ornate'];
const RELATIONS = ['in front of', 'on top of', 'wearing', 'next to', 'reflected in', 'behind'];
const WORDS = [
  ...['painting', 'of', 'the', 'old', 'harbour', 'at', 'sunset', 'with', 'boats', 'and', 'a', 'distant'],
  ...['village', 'print', 'on', 'canvas', 'by', 'photograph', 'wall', 'art'],
];
const CAPTION_WORDS = 19;

/** One line of NDJSON, its end included. */
export function recordLine(n: number): string {
  const random = createRandom(hashSeed('laion-sg', n));
  const pick = <T>(list: readonly T[]): T => list[random.int(list.length)]!;
  // 3 to 9 items, and 12 in every fifteenth.
  const count = n % 15 === 0 ? 12 : 3 + random.int(7);
  const items = Array.from({ length: count }, (_, item_id) => ({
    item_id,
    label: pick(LABELS),
    attributes: Array.from({ length: 1 + (item_id % 2) }, () => pick(ATTRIBUTES)),
    global_item_id: 12 * n + item_id,
  }));
  const relations = Array.from({ length: count - 2 }, (_, triple_id) => ({
    triple_id,
    item1: triple_id,
    relation: pick(RELATIONS),
    item2: triple_id + 1,
    global_relation_id: 12 * n + triple_id,
  }));
  const record = {
    img_id: String(n),
    name: `${8_040_361_340_000_000 + n * 7919}.jpg`,
    caption_ori: Array.from({ length: CAPTION_WORDS }, () => pick(WORDS)).join(' '),
    score: `6.${500_000_000 + (n % 1_000_000)}`,
    url: `https://images.example.com/photos/${n}/large.jpg?width=1024`,
    items,
    relations,
  };
  return `${JSON.stringify(record)}\n`;
}

/** All of them in pieces of some hundred kilobytes. */
export function* ndjson(count: number): Generator<string> {
  const lines = 500;
  for (let first = 0; first < count; first += lines) {
    const length = Math.min(lines, count - first);
    yield Array.from({ length }, (_, i) => recordLine(first + i)).join('');
  }
}

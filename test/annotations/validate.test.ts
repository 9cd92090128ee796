import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_NAME, MAX_TEXT } from '../../src/annotations/checks.ts';
import { MAX_DEPTH, validateAnnotation } from '../../src/annotations/validate.ts';

/** The shape of the published data set, with keys that this project knows nothing of. */
const published = () => ({
  img_id: '482027',
  name: '8040361340228797010.jpg',
  caption_ori: '',
  score: '6.669650077819824',
  url: 'https://example.org/a.jpg',
  width: 1024,
  items: [
    { item_id: 0, label: 'mountains', attributes: ['rocky', 'tall'], global_item_id: 3201429 },
    { item_id: 1, label: 'trees', attributes: ['leafless'], global_item_id: 3201430 },
    { item_id: 2, label: 'trees', attributes: ['leafless'], global_item_id: 3201431, mask: [[1, 2], null] },
  ] as Record<string, unknown>[],
  relations: [
    { triple_id: 0, item1: 1, relation: 'near', item2: 0, global_relation_id: 5, '': { deep: [true] } },
  ] as Record<string, unknown>[],
});

function problemOf(value: unknown) {
  const { problem } = validateAnnotation(value);
  assert.ok(problem, 'the record was accepted');
  return problem;
}

/** The published record with one value replaced, by path such as "items[0].label"; undefined deletes. */
function broken(path: string, value: unknown): unknown {
  const record = published() as unknown as Record<string, unknown>;
  const steps = path.split(/[.[\]]+/).filter(Boolean);
  const last = steps.pop()!;
  const place = steps.reduce((at, step) => at[step] as Record<string, unknown>, record);
  if (value === undefined) delete place[last];
  else place[last] = value;
  return record;
}

test('a published record passes, and unknown keys stay byte for byte', () => {
  const before = JSON.stringify(published());
  const { annotation, problem } = validateAnnotation(JSON.parse(before)) as {
    annotation: unknown;
    problem?: unknown;
  };
  assert.equal(problem, undefined);
  assert.equal(JSON.stringify(annotation), before);
});

test('the optional fields may be missing, relations may be empty', () => {
  const least = { img_id: '1', items: [{ item_id: -3, label: 'cat', attributes: [] }], relations: [] };
  assert.deepEqual(validateAnnotation(least), { annotation: least });
});

test('a caption alone is an annotation, a blank one is not', () => {
  const caption = { img_id: '1', items: [], relations: [], caption_ori: 'a cat' };
  assert.deepEqual(validateAnnotation(caption), { annotation: caption });
  assert.equal(problemOf({ ...caption, caption_ori: ' ' }).field, 'items');
  const relations = [{ item1: 0, relation: 'on', item2: 1 }];
  assert.equal(problemOf({ ...caption, relations }).field, 'relations[0].item1');
});

const WRONG: [path: string, value: unknown, reason: string][] = [
  ['img_id', 482027, 'is 482027, must be a string'],
  ['img_id', undefined, 'is missing, must be a string'],
  ['img_id', '  ', 'is empty'],
  ['img_id', 'x'.repeat(MAX_NAME + 1), 'has 513 characters, the most allowed is 512'],
  ['score', 6.5, 'is 6.5, must be a string'],
  ['score', 'high', 'is "high", must be a string that holds a number'],
  ['score', '6.5 of 10', 'is "6.5 of 10", must be a string that holds a number'],
  ['score', '', 'is "", must be a string that holds a number'],
  ['caption_ori', 'x'.repeat(MAX_TEXT + 1), 'has 8193 characters, the most allowed is 8192'],
  ['url', null, 'is null, must be a string'],
  ['name', ['a.jpg'], 'is ["a.jpg"], must be a string'],
  ['items', undefined, 'is missing, must be an array'],
  ['items', { 0: {} }, 'is {"0":{}}, must be an array'],
  ['items', [], 'is empty; a scene graph has at least one item, or a caption in its place (caption_ori)'],
  ['items', Array(257).fill({}), 'has 257 entries, the most allowed is 256'],
  ['items[1]', 'trees', 'is "trees", must be an object'],
  ['items[1]', [1], 'is [1], must be an object'],
  ['items[1].item_id', '1', 'is "1", must be a whole number'],
  ['items[1].item_id', 1.5, 'is 1.5, must be a whole number'],
  ['items[2].item_id', 0, 'is 0, which an earlier item has already'],
  ['items[0].label', 7, 'is 7, must be a string'],
  ['items[0].label', '', 'is empty'],
  ['items[0].attributes', 'rocky', 'is "rocky", must be an array'],
  ['items[0].attributes', undefined, 'is missing, must be an array'],
  ['items[0].attributes[1]', null, 'is null, must be a string'],
  ['items[0].attributes[1]', 'x'.repeat(600), 'has 600 characters, the most allowed is 512'],
  ['items[0].global_item_id', '3201429', 'is "3201429", must be a whole number'],
  ['relations', undefined, 'is missing, must be an array'],
  ['relations', 'near', 'is "near", must be an array'],
  ['relations[0]', null, 'is null, must be an object'],
  ['relations[0].relation', undefined, 'is missing, must be a string'],
  ['relations[0].item1', 9, 'is 9, but no item has this item_id'],
  ['relations[0].item2', 9, 'is 9, but no item has this item_id'],
  ['relations[0].item2', '0', 'is "0", must be a whole number'],
  ['relations[0].triple_id', 0.5, 'is 0.5, must be a whole number'],
];

test('every wrong field is named with its reason', () => {
  for (const [path, value, reason] of WRONG) {
    assert.deepEqual(problemOf(broken(path, value)), { field: path, reason });
  }
});

test('a record that is no object is rejected as a whole', () => {
  for (const value of [null, 5, 'text', true, [published()]]) {
    const { field, reason } = problemOf(value);
    assert.equal(field, '');
    assert.match(reason, /must be an object$/);
  }
});

test('limits are reached, not passed', () => {
  for (const [path, value] of [
    ['img_id', 'x'.repeat(MAX_NAME)],
    ['caption_ori', 'x'.repeat(MAX_TEXT)],
    ['score', '-1e-3'],
  ] as const) {
    assert.equal(validateAnnotation(broken(path, value)).problem, undefined, path);
  }
});

test('what no database keeps is refused wherever it stands, unknown keys included', () => {
  const nul = 'contains a NUL character, which no database keeps';
  const half = 'contains half of a surrogate pair, which is no character';
  for (const [path, value, field, reason] of [
    ['items[0].label', 'a\u0000b', 'items[0].label', nul],
    ['width', { a: [1, { b: '\u0000' }] }, 'width.a[1].b', nul],
    ['width', { '\u0000': 1 }, 'width', nul],
    ['items[1].mask', ['\ud83c'], 'items[1].mask[0]', half],
    ['width', Number.POSITIVE_INFINITY, 'width', 'is a number too large for double precision'],
  ] as const) {
    const problem = problemOf(broken(path, value));
    assert.equal(problem.field.replace('\u0000', '').replace(/\.$/, ''), field);
    assert.equal(problem.reason, reason);
  }
  assert.equal(validateAnnotation(broken('width', '\ud83c\udf33 tree')).problem, undefined);
});

test('nesting without end is refused instead of overflowing the stack', () => {
  const nested = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
  // The record itself is one level.
  assert.equal(validateAnnotation(broken('width', nested(MAX_DEPTH - 1))).problem, undefined);
  for (const path of ['width', 'items', 'img_id']) {
    assert.match(problemOf(broken(path, nested(200_000))).reason, /nested deeper than 64 levels/);
  }
});

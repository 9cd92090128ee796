import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Annotation } from '../../src/annotations/annotation.ts';
import { isolatedItems, nodeText, promptText, triples } from '../../src/annotations/prompt.ts';

/** Repeated labels, ids that are neither dense nor in order, and an item in no relation. */
const mountains: Annotation = {
  img_id: '1',
  items: [
    { item_id: 7, label: 'mountains', attributes: ['rocky', 'tall'] },
    { item_id: 0, label: 'trees', attributes: ['leafless', 'slender'] },
    { item_id: 3, label: 'trees', attributes: ['green'] },
    { item_id: 4, label: 'lake', attributes: [] },
    { item_id: 5, label: 'sky', attributes: ['pale'] },
  ],
  relations: [
    { item1: 0, relation: 'in front of', item2: 7 },
    { item1: 3, relation: 'next to', item2: 4 },
    { item1: 4, relation: 'below', item2: 7 },
  ],
};

test('node text is the attributes in order, then the label', () => {
  assert.equal(nodeText(mountains.items[0]!), 'rocky tall mountains');
  assert.equal(nodeText(mountains.items[3]!), 'lake');
});

test('triples find their items by item_id, not by place', () => {
  assert.deepEqual(
    triples(mountains).map(({ subject, relation, object }) => [subject.item_id, relation, object.item_id]),
    [
      [0, 'in front of', 7],
      [3, 'next to', 4],
      [4, 'below', 7],
    ],
  );
});

test('the prompt of a caption without a graph is the caption', () => {
  assert.equal(promptText({ img_id: '1', items: [], relations: [], caption_ori: 'a cat ' }), 'a cat ');
});

test('the flat text is every triple in order, an item repeated in each, then the isolated items', () => {
  assert.equal(
    promptText(mountains),
    'leafless slender trees in front of rocky tall mountains green trees next to lake ' +
      'lake below rocky tall mountains pale sky',
  );
  assert.deepEqual(
    isolatedItems(mountains).map(({ label }) => label),
    ['sky'],
  );
});

test('without relations every item is isolated and the prompt lists them', () => {
  const flat = { ...mountains, relations: [] };
  assert.equal(promptText(flat), 'rocky tall mountains leafless slender trees green trees lake pale sky');
  assert.equal(isolatedItems(flat).length, 5);
});

test('an item that relates to itself is not isolated', () => {
  const self: Annotation = {
    img_id: '2',
    items: [{ item_id: 1, label: 'snake', attributes: ['long'] }],
    relations: [{ item1: 1, relation: 'bites', item2: 1 }],
  };
  assert.equal(promptText(self), 'long snake bites long snake');
});

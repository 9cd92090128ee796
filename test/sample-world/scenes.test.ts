import assert from 'node:assert/strict';
import { test } from 'node:test';
import { promptText } from '../../src/annotations/prompt.ts';
import { validateAnnotation } from '../../src/annotations/validate.ts';
import { createRandom } from '../../src/random.ts';
import { isHeldOut, sampleScene } from '../../src/sample-world/scenes.ts';
import { COLOURS, IMAGE_SIZE, RADIUS, RELATIONS, SHAPES, SIZES } from '../../src/sample-world/vocabulary.ts';

const random = createRandom(21);
const scenes = Array.from({ length: 1500 }, () => sampleScene(random));

test('scenes are LAION-SG annotations as they stand, also after a trip through JSON', () => {
  for (const { annotation } of scenes) {
    assert.equal(validateAnnotation(JSON.parse(JSON.stringify(annotation))).problem, undefined);
  }
});

test('one to three items with a colour and perhaps a size, in a chain of relations', () => {
  const seen = new Set<string>();
  for (const { annotation, layout } of scenes) {
    const { items, relations } = annotation;
    seen.add(`${items.length} items`);
    assert.ok(items.length >= 1 && items.length <= 3 && layout.length === items.length);
    for (const [i, { item_id, label, attributes }] of items.entries()) {
      assert.equal(item_id, i);
      assert.ok(attributes.length === 1 || attributes.length === 2);
      assert.ok((SHAPES as readonly string[]).includes(label));
      assert.ok((COLOURS as readonly string[]).includes(attributes.at(-1)!));
      if (attributes.length === 2) assert.ok((SIZES as readonly string[]).includes(attributes[0]!));
      for (const word of [label, ...attributes]) seen.add(word);
    }
    assert.deepEqual(
      relations.map(({ item1, item2 }) => [item1, item2]),
      items.slice(1).map((_, i) => [i, i + 1]),
    );
    for (const { relation } of relations) seen.add(relation);
    const bare = items.map(({ label, attributes }) => `${attributes.at(-1)} ${label}`);
    assert.equal(new Set(bare).size, bare.length, 'two items differ in colour or shape');
  }
  const words = ['1 items', '2 items', '3 items', ...SHAPES, ...COLOURS, ...SIZES, ...RELATIONS];
  assert.deepEqual([...seen].sort(), words.sort());
});

test('the layout is what the graph says: shapes, colours, sizes and relations, inside and apart', () => {
  for (const { annotation, layout } of scenes) {
    for (const [i, { shape, colour, x, y, radius }] of layout.entries()) {
      const { label, attributes } = annotation.items[i]!;
      assert.deepEqual([shape, colour], [label, attributes.at(-1)]);
      const sizes = attributes.length > 1 ? [attributes[0] as 'small' | 'large'] : SIZES;
      assert.ok(sizes.some((size) => RADIUS[size][0] <= radius && radius <= RADIUS[size][1]));
      for (const at of [x, y]) assert.ok(at - radius >= 0 && at + radius <= IMAGE_SIZE);
      for (const other of layout.slice(0, i)) {
        const gap = Math.max(Math.abs(x - other.x), Math.abs(y - other.y)) - radius - other.radius;
        assert.ok(gap >= 1 - 1e-9, `${gap} pixels between two shapes`);
      }
    }
    for (const { item1, relation, item2 } of annotation.relations) {
      const [a, b] = [layout[item1]!, layout[item2]!];
      const [dx, dy] = [a.x - b.x, a.y - b.y];
      const [along, across] = relation === 'above' || relation === 'below' ? [dy, dx] : [dx, dy];
      assert.ok(Math.abs(along) > 2 * Math.abs(across), `${relation}: ${dx}, ${dy}`);
      assert.equal(along > 0, relation === 'right of' || relation === 'below');
    }
  }
});

test('scenes are a function of the seed', () => {
  const draw = (seed: number) => {
    const from = createRandom(seed);
    return Array.from({ length: 20 }, () => sampleScene(from));
  };
  assert.deepEqual(draw(21), scenes.slice(0, 20));
  assert.notDeepEqual(draw(22), scenes.slice(0, 20));
});

test('a tenth of all graphs is held out, by what they say and not by their ids', () => {
  const graphs = new Map(scenes.map(({ annotation }) => [promptText(annotation), annotation]));
  let held = 0;
  for (const annotation of graphs.values()) {
    const renamed = {
      ...annotation,
      img_id: 'other',
      score: '1',
      caption_ori: 'x',
      items: annotation.items.map((item) => ({ ...item, item_id: item.item_id + 7, global_item_id: 0 })),
      relations: annotation.relations.map((r) => ({
        ...r,
        item1: r.item1 + 7,
        item2: r.item2 + 7,
        triple_id: 9,
      })),
    };
    assert.equal(isHeldOut(renamed), isHeldOut(annotation));
    if (isHeldOut(annotation)) held++;
  }
  // Binomial: three deviations are 0.034 of about 700 graphs.
  assert.ok(graphs.size > 600, `${graphs.size} graphs`);
  const share = held / graphs.size;
  assert.ok(share > 0.066 && share < 0.134, `held out: ${share}`);
});

test('the caption names every item, without relations', () => {
  for (const { annotation } of scenes.slice(0, 200)) {
    const names = annotation.items.map(({ label, attributes }) => `a ${attributes.join(' ')} ${label}`);
    const want = [names[0], names.join(' and '), `${names[0]}, ${names[1]} and ${names[2]}`][
      names.length - 1
    ];
    assert.equal(annotation.caption_ori, want);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyDependencies, type DpgEvidence, dpg, dpgCategories } from '../../src/scoring/dpg.ts';
import { dpgQuestions } from '../../src/scoring/dpg-questions.ts';
import { graph, measured, subject, tablePorts } from './ports.ts';

const scene = graph(
  ['small red circle', 'old apple', 'tree', 'tall tree'],
  [
    [0, 'left of', 1],
    [3, 'behind', 0],
  ],
);

test('an entity per item, then its attributes, then relations, each with what it depends on', () => {
  assert.deepEqual(
    dpgQuestions(scene).map(({ id, dependencies, category, question }) => [
      id,
      dependencies,
      category,
      question,
    ]),
    [
      [1, [], 'entity', 'Is there a circle?'],
      [2, [], 'entity', 'Is there an apple?'],
      [3, [], 'entity', 'Is there a tree?'],
      [4, [], 'entity', 'Are there at least 2 of: tree?'],
      [5, [1], 'attribute', 'Is there a small circle?'],
      [6, [1], 'attribute', 'Is there a red circle?'],
      [7, [2], 'attribute', 'Is there an old apple?'],
      [8, [4], 'attribute', 'Is there a tall tree?'],
      [9, [1, 2], 'relation', 'Is there a circle left of an apple?'],
      // A repeated label is told apart by its attributes.
      [10, [4, 1], 'relation', 'Is there a tall tree behind a circle?'],
    ],
  );
});

test('tuples are those of the benchmark', () => {
  assert.deepEqual(
    dpgQuestions(graph(['red cup', 'table'], [[0, 'on', 1]])).map(({ tuple }) => tuple),
    [
      'entity - whole (cup)',
      'entity - whole (table)',
      'attribute - other (cup, red)',
      'relation - other (cup, table, on)',
    ],
  );
});

test('ids need not be dense: dependencies are question ids, never item ids', () => {
  const sparse = graph(['red cup', 'table']);
  sparse.items[0]!.item_id = 40;
  sparse.items[1]!.item_id = -2;
  sparse.relations = [{ item1: -2, relation: 'under', item2: 40 }];
  assert.deepEqual(
    dpgQuestions(sparse).map(({ dependencies }) => dependencies),
    [[], [], [1], [2, 1]],
  );
});

test('every parent stands before its children', () => {
  for (const { id, dependencies } of dpgQuestions(scene)) {
    for (const parent of dependencies) assert.ok(parent < id, `${id} depends on ${parent}`);
  }
});

test('a zero travels down chains; a raw zero hurts nobody above it', () => {
  const chain = [
    { id: 1, dependencies: [] },
    { id: 2, dependencies: [1] },
    { id: 3, dependencies: [2] },
    { id: 4, dependencies: [1, 5] },
    { id: 5, dependencies: [] },
  ];
  assert.deepEqual(applyDependencies(chain, [1, 1, 1, 1, 1]), [1, 1, 1, 1, 1]);
  assert.deepEqual(applyDependencies(chain, [0, 1, 1, 1, 1]), [0, 0, 0, 0, 1]);
  assert.deepEqual(applyDependencies(chain, [1, 0, 1, 1, 1]), [1, 0, 0, 1, 1]);
  assert.deepEqual(applyDependencies(chain, [1, 1, 0, 1, 1]), [1, 1, 0, 1, 1]);
  assert.deepEqual(applyDependencies(chain, [1, 1, 1, 1, 0]), [1, 1, 1, 0, 0]);
});

test('the score is the mean after zeroing, with every answer in the evidence', async () => {
  const annotation = graph(['red cup', 'blue plate'], [[0, 'on', 1]]);
  const yes = {
    'Is there a cup?': 0.9,
    'Is there a plate?': 0.2,
    'Is there a red cup?': 0.8,
    'Is there a blue plate?': 0.7,
    'Is there a cup on a plate?': 0.6,
  };
  const result = await measured(dpg, subject(annotation), tablePorts({ yes }), 'fixed');
  // Plate, blue plate and the relation are 0: 2 of 5.
  assert.ok(Math.abs(result!.value - 0.4) < 1e-12);
  assert.equal(result!.evidence.answerer, 'table-answerer');
  const questions = result!.evidence.questions as Record<string, unknown>[];
  assert.deepEqual(
    questions.map(({ question, answer, yes: probability, counted }) => [
      question,
      answer,
      probability,
      counted,
    ]),
    [
      ['Is there a cup?', 'yes', 0.9, 1],
      ['Is there a plate?', 'no', 0.2, 0],
      ['Is there a red cup?', 'yes', 0.8, 1],
      ['Is there a blue plate?', 'yes', 0.7, 0],
      ['Is there a cup on a plate?', 'yes', 0.6, 0],
    ],
  );
  const [same] = await dpg.score([subject(annotation)], tablePorts({ yes }), 'compat');
  assert.deepEqual(same, result, 'within one image the modes agree');
});

test('category scores are means of raw answers: of all images when fixed, of the last when compat', () => {
  const image = (answers: Record<string, string[]>): DpgEvidence => ({
    questions: Object.entries(answers).flatMap(([category, list]) =>
      list.map((answer) => ({ category, answer })),
    ),
  });
  const images = [
    image({ entity: ['no', 'no'], attribute: ['yes'] }),
    image({ entity: ['yes', 'yes'], attribute: ['yes'] }),
    image({ entity: ['yes', 'no'], attribute: ['no'] }),
  ];
  assert.deepEqual(dpgCategories(images, 'fixed'), { entity: 0.5, attribute: 2 / 3 });
  assert.deepEqual(dpgCategories(images, 'compat'), { entity: 0.5, attribute: 0 });
  assert.deepEqual(dpgCategories(images.slice(0, 2), 'compat'), { entity: 1, attribute: 1 });
  assert.deepEqual(dpgCategories([], 'fixed'), {});
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dpgQuestions } from '../../src/scoring/dpg-questions.ts';
import { entityIou, relationIou, setIou, sgIou } from '../../src/scoring/scene-graph-iou.ts';
import { graph, measured, subject, tablePorts } from './ports.ts';

const set = (members: string) => new Set(members.split(' ').filter(Boolean));

test('IoU of sets in closed form; of two empty ones 0, as published', () => {
  for (const [a, b, iou] of [
    ['cup plate', 'plate cup', 1],
    ['cup plate', 'plate', 1 / 2],
    ['cup plate', 'plate hand', 1 / 3],
    ['cup', 'hand', 0],
    ['cup', '', 0],
    ['', '', 0],
  ] as const) {
    assert.equal(setIou(set(a), set(b)), iou, `${a} / ${b}`);
    assert.equal(setIou(set(b), set(a)), iou, `${b} / ${a}`);
  }
});

/** Two cups, a plate and a hand; "on" twice, "holds" twice, once each between the same labels. */
const scene = graph(
  ['red cup', 'blue cup', 'plate', 'hand'],
  [
    [0, 'on', 2],
    [1, 'on', 2],
    [3, 'holds', 0],
    [3, 'holds', 2],
  ],
);

async function values(yes: readonly string[], mode: 'fixed' | 'compat' = 'fixed') {
  const questions = dpgQuestions(scene).map(({ question }) => question);
  for (const question of yes) assert.ok(questions.includes(question), question);
  const table = Object.fromEntries(questions.map((question) => [question, yes.includes(question) ? 1 : 0]));
  const ports = tablePorts({ yes: table });
  const all = await Promise.all(
    [sgIou, entityIou, relationIou].map((metric) => measured(metric, subject(scene), ports, mode)),
  );
  return all.map((result) => result!.value);
}

test('labels, triples and predicates count once each, however often the graph has them', async () => {
  assert.deepEqual(await values([]), [0, 0, 0]);
  // One cup is enough for the label, one of its triples for the triple that reads the same and for the predicate.
  assert.deepEqual(await values(['Is there a cup?', 'Is there a blue cup on a plate?']), [
    1 / 3,
    1 / 3,
    1 / 2,
  ]);
  assert.deepEqual(
    await values(['Is there a plate?', 'Is there a hand?', 'Is there a hand holds a plate?']),
    [1 / 3, 2 / 3, 1 / 2],
  );
  const whole = dpgQuestions(scene).flatMap(({ category, question }) =>
    category === 'attribute' ? [] : [question],
  );
  // Attributes are answered no, and have no say.
  assert.deepEqual(await values(whole), [1, 1, 1]);
});

test('the evidence tells what was looked for and what was found', async () => {
  const yes = { 'Is there a cup?': 1, 'Is there a hand?': 0.25 };
  const result = await measured(entityIou, subject(graph(['cup', 'hand'])), tablePorts({ yes }), 'fixed');
  assert.deepEqual(result, {
    value: 1 / 2,
    evidence: { answerer: 'table-answerer', graph: ['cup', 'hand'], found: ['cup'] },
  });
});

test('nothing is said of the relations of a graph that has none; compat gives it 0', async () => {
  const alone = subject(graph(['cup']));
  for (const metric of [sgIou, relationIou]) {
    assert.equal(await measured(metric, alone, tablePorts({}), 'fixed'), null);
    assert.equal((await measured(metric, alone, tablePorts({}), 'compat'))!.value, 0);
  }
});

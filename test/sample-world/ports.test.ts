import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/random.ts';
import { paint } from '../../src/sample-world/painter.ts';
import { sampleAnswerer, sampleDetector } from '../../src/sample-world/ports.ts';
import type { Placement } from '../../src/sample-world/scenes.ts';

const layout: Placement[] = [
  { shape: 'circle', colour: 'red', x: 8, y: 9, radius: 3.8 },
  { shape: 'square', colour: 'blue', x: 23, y: 10, radius: 6 },
  { shape: 'circle', colour: 'green', x: 9, y: 24, radius: 6 },
];
const image = paint({ annotation: { img_id: '1', items: [], relations: [] }, layout }, createRandom(2));
const answerer = sampleAnswerer();
const detector = sampleDetector();

const QUESTIONS: [question: string, answer: 'yes' | 'no'][] = [
  ['Is there a circle?', 'yes'],
  ['Is there a cross?', 'no'],
  ['Is there a red circle?', 'yes'],
  ['Is there a blue circle?', 'no'],
  ['Is there a small circle?', 'yes'],
  ['Is there a small red circle?', 'yes'],
  ['Is there a large red circle?', 'no'],
  ['small red circle?', 'yes'],
  ['Are there at least 2 of: circle?', 'yes'],
  ['Are there at least 3 of: circle?', 'no'],
  ['Are there at least 2 of: red circle?', 'no'],
  ['Is there a red circle left of a square?', 'yes'],
  ['Is there a red circle right of a square?', 'no'],
  ['Is there a square to the right of a red circle?', 'yes'],
  ['IS THERE A GREEN CIRCLE BELOW THE RED ONE?', 'yes'],
  ['Is there a circle above a circle?', 'yes'],
  ['Is there a square above a square?', 'no'],
  ['Is there a square below a cross?', 'no'],
];

test('questions are answered from the picture, by count, words and relations', async () => {
  const answers = await answerer.answer(
    image,
    QUESTIONS.map(([question]) => question),
  );
  for (const [i, [question, want]] of QUESTIONS.entries()) {
    const { answer, yes } = answers[i]!;
    assert.equal(answer, want, question);
    assert.ok(want === 'yes' ? yes > 0.5 && yes <= 1 : yes >= 0 && yes < 0.5, `${question} ${yes}`);
  }
});

test('a question with a word of another world is answered no', async () => {
  const strange = [
    'Is there a dog?',
    'Is there a pink circle?',
    'Is there a red circle holding a square?',
    'Is there a red circle left of a dog?',
    'Is there a dog left of a red circle?',
    'Is there a red redd circle?',
  ];
  for (const [i, { answer, yes }] of (await answerer.answer(image, strange)).entries()) {
    assert.deepEqual([answer, yes], ['no', 0], strange[i]);
  }
});

test('a wrong answer knows how wrong it is: more words right, more probable', async () => {
  const [one, none] = await answerer.answer(image, ['Is there a red square?', 'Is there a yellow cross?']);
  assert.ok(one!.yes > none!.yes);
  assert.equal(none!.yes, 0);
});

test('the detector gives the label asked for, best first, and nothing for unknown words', async () => {
  const found = await detector.detect(image, ['circle', 'red circle', 'dog', 'yellow square']);
  assert.deepEqual(found.map(({ label }) => label).sort(), ['circle', 'circle', 'red circle']);
  const confidences = found.map(({ confidence }) => confidence);
  assert.deepEqual(
    confidences,
    confidences.toSorted((a, b) => b - a),
  );
  const red = found.find(({ label }) => label === 'red circle')!;
  const [left, top, right, bottom] = red.box;
  // Painted from 4.2 to 11.8 and from 5.2 to 12.8.
  for (const [got, want] of [
    [left, 4.2],
    [top, 5.2],
    [right, 11.8],
    [bottom, 12.8],
  ] as const) {
    assert.ok(Math.abs(got - want) <= 1, `${red.box}`);
  }
  assert.deepEqual(await detector.detect(image, []), []);
});

test('both ports say who they are', () => {
  assert.equal(answerer.name, detector.name);
  assert.match(answerer.name, /^sample-reader-\d+$/);
});

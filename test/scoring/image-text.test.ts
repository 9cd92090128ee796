import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clipScore, pickProbabilities, pickScore } from '../../src/scoring/image-text.ts';
import { goldenCase } from '../golden.ts';
import { graph, subject, tablePorts } from './ports.ts';

const subjects = [
  subject(graph(['red cup', 'plate'], [[0, 'on', 1]])),
  subject(graph(['blue tree', 'old house'])),
];
const cosines = { 'red cup on plate': 0.25, 'blue tree old house': -0.125 };

test('CLIP score is the raw cosine with the prompt of the graph; the scaled one is evidence', async () => {
  assert.deepEqual(await clipScore.score(subjects, tablePorts({ cosines }), 'fixed'), [
    { value: 0.25, evidence: { scorer: 'table-clip', text: 'red cup on plate', scaled: 25 } },
    { value: -0.125, evidence: { scorer: 'table-clip', text: 'blue tree old house', scaled: -12.5 } },
  ]);
});

test('PickScore asks its own model and is a raw cosine too', async () => {
  assert.deepEqual(await pickScore.score(subjects.slice(0, 1), tablePorts({ cosines }), 'compat'), [
    { value: 0.25, evidence: { scorer: 'table-pick', text: 'red cup on plate', scaled: 12.5 } },
  ]);
  assert.deepEqual([clipScore.name, pickScore.name], ['clip-score', 'pickscore']);
});

const close = (got: readonly number[], want: readonly number[], tolerance = 1e-12) => {
  assert.equal(got.length, want.length);
  for (const [i, value] of got.entries()) assert.ok(Math.abs(value - want[i]!) <= tolerance, `${got}`);
};

test('choice probabilities are a softmax: logarithms of weights give the weights back', () => {
  close(pickProbabilities([1, 2, 3, 4].map(Math.log)), [0.1, 0.2, 0.3, 0.4]);
  // A shift changes nothing, not even where exp would overflow.
  close(pickProbabilities([1, 2, 3, 4].map((w) => Math.log(w) + 5000)), [0.1, 0.2, 0.3, 0.4], 1e-11);
  close(pickProbabilities([-9000, -9000]), [0.5, 0.5]);
  close(pickProbabilities([0, -9000]), [1, 0]);
  close(pickProbabilities([22.3]), [1]);
  // PickScore 22.3 against 21.3: 1 / (1 + 1/e).
  close(pickProbabilities([22.3, 21.3]), [0.7310585786300049, 0.2689414213699951]);
});

test('choice probabilities are those of the Python original', async () => {
  const { output, check } = await goldenCase('clip-full');
  const { data, shape } = output.logits_per_image!;
  const [images, texts] = shape as [number, number];
  check('probs', pickProbabilities(Array.from({ length: images }, (_, i) => Number(data[i * texts]))));
});

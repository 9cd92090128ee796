import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RgbImage } from '../../src/engine/image.ts';
import { askedOnce } from '../../src/scoring/asked-once.ts';
import type { VisualQuestionAnswerer } from '../../src/scoring/ports.ts';

const image = (): RgbImage => ({ width: 1, height: 1, data: new Uint8Array(3) });

/** Says how likely each question is by its length, and remembers what it was asked. */
function counting() {
  const calls: string[][] = [];
  const answerer: VisualQuestionAnswerer = {
    name: 'counting',
    async answer(_image, questions) {
      calls.push([...questions]);
      if (questions.includes('refused')) throw new Error('refused');
      return questions.map((question) => ({ answer: 'yes', yes: question.length / 10 }));
    },
  };
  return { calls, asking: askedOnce(answerer) };
}

test('a question about an image is passed on once, also while its answer is on the way', async () => {
  const { calls, asking } = counting();
  const [one, other] = [image(), image()];
  const yes = async (of: RgbImage, ...questions: string[]) =>
    (await asking.answer(of, questions)).map((answer) => answer.yes);
  const both = await Promise.all([yes(one, 'a', 'bb', 'a'), yes(one, 'ccc', 'bb')]);
  assert.deepEqual(both, [
    [0.1, 0.2, 0.1],
    [0.3, 0.2],
  ]);
  assert.deepEqual(await yes(one, 'ccc', 'a'), [0.3, 0.1]);
  assert.deepEqual(await yes(one), []);
  assert.deepEqual(calls, [['a', 'bb'], ['ccc']]);
  // Equal pixels of another image are another image.
  assert.deepEqual(await yes(other, 'a'), [0.1]);
  assert.equal(calls.length, 3);
});

test('a question that fails fails for all who ask it', async () => {
  const { calls, asking } = counting();
  const one = image();
  for (let i = 0; i < 2; i++) await assert.rejects(asking.answer(one, ['refused']), { message: 'refused' });
  assert.equal((await asking.answer(one, ['a'])).length, 1);
  assert.deepEqual(calls, [['refused'], ['a']]);
});

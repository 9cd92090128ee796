/** Which annotations a training is measured on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeldOut } from '../../pipelines/stages.ts';
import { checkValidation, validationAnnotations } from '../../pipelines/validation-annotations.ts';
import { DEFAULT_TRAIN } from '../../src/training/settings.ts';

const IDS = Array.from({ length: 2000 }, (_, i) => `s${i}`);
const trained = (annotations: number) => ({
  train: { ...DEFAULT_TRAIN, validation: { every: 50, annotations, tuned: 'best' as const } },
});

test('they are as many as asked for, the same in any order and any set with them, fewer a part of more', () => {
  const some = validationAnnotations(trained(30), IDS);
  assert.equal(some.size, 30);
  assert.deepEqual(validationAnnotations(trained(30), [...IDS, ...IDS].reverse()), some);
  const half = IDS.filter((id, i) => some.has(id) || i % 2 === 0);
  assert.deepEqual(validationAnnotations(trained(30), half), some);
  const fewer = [...validationAnnotations(trained(7), IDS)];
  assert.ok(fewer.length === 7 && fewer.every((id) => some.has(id)));
  assert.deepEqual(validationAnnotations({ train: DEFAULT_TRAIN }, IDS), new Set());
});

test('what is held out has no part in it: half of the measured ones are in a half by that hash', () => {
  // Of 400 independent ones, 200 within four standard deviations of 10.
  const chosen = [...validationAnnotations(trained(400), IDS)];
  const count = chosen.filter((id) => isHeldOut(id, 0.5)).length;
  assert.ok(Math.abs(count - 200) < 40, `${count} of 400`);
});

test('some annotation is left to train on', () => {
  checkValidation(trained(9), 10);
  checkValidation({ train: DEFAULT_TRAIN }, 0);
  assert.throws(() => checkValidation(trained(10), 10), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: /^settings.train.validation.annotations is 10, but 10 annotations are curated/,
  });
});

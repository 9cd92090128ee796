import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asError, DiptychError, ERROR_CODES, type ErrorCode } from '../src/errors.ts';

test('an error carries the facts of its code', () => {
  const cause = new Error('beneath');
  const error = new DiptychError('DIPTYCH_STALE_ATTEMPT', 'attempt 2 was superseded', { cause });
  assert.ok(error instanceof Error);
  assert.deepEqual(
    [error.name, error.code, error.message, error.status, error.retryable, error.cause],
    ['DiptychError', 'DIPTYCH_STALE_ATTEMPT', 'attempt 2 was superseded', 409, false, cause],
  );
  assert.equal(new DiptychError('DIPTYCH_DATABASE_UNAVAILABLE', 'gone').retryable, true);
});

test('codes are of one form, statuses are HTTP errors, and what the caller did wrong is not tried again, but for too many requests', () => {
  for (const [code, { status, retryable }] of Object.entries(ERROR_CODES)) {
    assert.match(code, /^DIPTYCH_[A-Z]+(_[A-Z]+)*$/);
    assert.ok(status >= 400 && status < 600, code);
    if (status < 500 && status !== 429) assert.equal(retryable, false, code);
    assert.equal(new DiptychError(code as ErrorCode, '').status, status);
  }
});

test('anything thrown becomes an Error, and errors stay the same object', () => {
  const error = new DiptychError('DIPTYCH_INTERNAL', 'x');
  assert.equal(asError(error), error);
  for (const thrown of ['text', 7, null, undefined]) {
    const made = asError(thrown);
    assert.ok(made instanceof Error);
    assert.equal(made.message, String(thrown));
    assert.equal(made.cause, thrown);
  }
});

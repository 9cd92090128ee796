import assert from 'node:assert/strict';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { places } from '../../src/store/places.ts';

/** The places under an environment of the test's own. */
function placesWith(t: TestContext, environment: Record<string, string>) {
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  process.env = { ...environment };
  return places();
}

test('trajectories lie below DIPTYCH_HOME and may take 20 GB, or what DIPTYCH_TRAJECTORY_GB says', (t) => {
  const home = { DIPTYCH_HOME: '/somewhere' };
  assert.equal(placesWith(t, home).trajectories, path.resolve('/somewhere/trajectories'));
  assert.equal(placesWith(t, home).trajectoryBytes, 20e9);
  assert.equal(placesWith(t, { ...home, DIPTYCH_TRAJECTORY_GB: '' }).trajectoryBytes, 20e9);
  assert.equal(placesWith(t, { ...home, DIPTYCH_TRAJECTORY_GB: '1.5' }).trajectoryBytes, 1.5e9);
  assert.equal(placesWith(t, { ...home, DIPTYCH_TRAJECTORY_GB: '0' }).trajectoryBytes, 0);
});

test('a size that is none is refused with its value', (t) => {
  for (const text of ['-1', '5 GB', 'much'])
    assert.throws(() => placesWith(t, { DIPTYCH_TRAJECTORY_GB: text }), {
      code: 'DIPTYCH_INVALID_INPUT',
      message: `DIPTYCH_TRAJECTORY_GB is "${text}"; give the gigabytes that stored inversions may take between runs, such as 20`,
    });
});

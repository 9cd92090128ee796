/** Kappa against published tables. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreements, cohensKappa, meanKappa } from '../../src/preference/agreement.ts';
import { judgements, type Vote } from '../../src/preference/votes.ts';

/** Items of a table: rows are the first rater's categories, columns the second's. */
const items = (table: number[][]) =>
  table.flatMap((row, a) =>
    row.flatMap((n, b) => Array.from({ length: n }, () => [`${a}`, `${b}`] as const)),
  );

test('kappa equals that of published tables', () => {
  // Cohen (1960), table 1, as frequencies of 200: kappa .492.
  const cohen = cohensKappa(
    items([
      [88, 14, 18],
      [10, 40, 10],
      [2, 6, 12],
    ]),
  );
  assert.equal(cohen.count, 200);
  assert.ok(Math.abs(cohen.agreement - 0.7) < 1e-12);
  assert.ok(Math.abs(cohen.kappa! - 0.492) < 5e-4, `${cohen.kappa}`);
  // The worked example of a grant's two readers, 20, 5, 10, 15 of 50: kappa 0.4.
  const readers = cohensKappa(
    items([
      [20, 5],
      [10, 15],
    ]),
  );
  assert.ok(Math.abs(readers.kappa! - 0.4) < 1e-12);
});

test('1 for full agreement, below 0 for less than chance, null where chance alone agrees fully', () => {
  assert.equal(
    cohensKappa(
      items([
        [5, 0],
        [0, 5],
      ]),
    ).kappa,
    1,
  );
  assert.equal(
    cohensKappa(
      items([
        [0, 5],
        [5, 0],
      ]),
    ).kappa,
    -1,
  );
  assert.deepEqual(
    cohensKappa(
      items([
        [7, 0],
        [0, 0],
      ]),
    ),
    { count: 7, agreement: 1, kappa: null },
  );
});

test('of three voters every two are compared on what both judged, and the mean leaves out what is unknown', () => {
  const say = (voter: string, ...said: string[]): Vote[] =>
    said.map((text) => {
      const named = text.split(/[>=]/);
      return { voter, candidates: named.toSorted(), ranking: text.includes('=') ? [] : named };
    });
  const all = agreements(
    judgements([
      ...say('ada', 'a>b', 'd>c', 'e=f', 'g>h'),
      ...say('bob', 'a>b', 'c>d', 'e=f'),
      ...say('cy', 'g>h'),
    ]),
  );
  assert.deepEqual(
    all.map(({ voters, count }) => [voters.join(), count]),
    [
      ['ada,bob', 3],
      ['ada,cy', 1],
    ],
  );
  // ada: first, second, neither; bob: first, first, neither. (2/3 - (2 + 0 + 1)/9) / (1 - 3/9) = 1/2.
  assert.ok(Math.abs(all[0]!.kappa! - 0.5) < 1e-12);
  assert.equal(all[1]!.kappa, null);
  assert.equal(meanKappa(all), all[0]!.kappa);
  assert.equal(meanKappa([]), null);
});

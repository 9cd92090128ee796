/** Runs of levels and indices in pages that were put together by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PageHeader } from 'hyparquet';
import { checkPageRuns, type SchemaPath } from '../../src/import/page-runs.ts';

/** A column that may be null: levels of one bit. */
const OPTIONAL = [{ element: {} }, { element: { repetition_type: 'OPTIONAL' } }] as unknown as SchemaPath;

/** A page of version 1 with eight values: its levels with their length before them, then the rest. */
function check(levels: number[], rest: number[], encoding = 'PLAIN'): void {
  const bytes = Uint8Array.from([levels.length, 0, 0, 0, ...levels, ...rest]);
  const page = { num_values: 8, encoding };
  const header = { uncompressed_page_size: bytes.length, data_page_header: page } as unknown as PageHeader;
  checkPageRuns(bytes, header, 'UNCOMPRESSED', OPTIONAL, false);
}

/** A run of `count` equal values; eight packed ones are (1 << 1) | 1. */
const REPEATED = (count: number) => [count << 1, 1];
const PACKED = [3, 0xff];

test('runs that fill the page are taken', () => {
  check(REPEATED(8), []);
  check(PACKED, []);
  check([...REPEATED(3), ...REPEATED(5)], []);
  // Three indices of two bits for values of which not all are there, and an empty run.
  check(PACKED, [2, 0, 1, ...REPEATED(3)], 'RLE_DICTIONARY');
});

test('runs that hold more than the page has, too little, or end outside of it are refused', () => {
  assert.throws(() => check(REPEATED(16), []), /a run of 16 where 8 values are left/);
  // 2^31 - 1 repetitions, and packed ones whose number turns negative in 32 bits.
  assert.throws(() => check([0xfe, 0xff, 0xff, 0xff, 0x0f, 1], []), /a run of 2147483647 where/);
  assert.throws(() => check([0xff, 0xff, 0xff, 0xff, 0x0f], []), /a run of 17179869176 where/);
  assert.throws(() => check(REPEATED(5), [2, 1]), /5 levels for 8 values/);
  assert.throws(() => check([3], []), /a run that is cut off/);
  assert.throws(() => check(PACKED, [33, ...REPEATED(8)], 'RLE_DICTIONARY'), /values of 33 bits/);
  assert.throws(() => check(PACKED, [2, ...REPEATED(100)], 'PLAIN_DICTIONARY'), /a run of 100 where 8/);
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { withLayoutDocs } from '../../src/export/layout-docs.ts';

test('docs/exports.md has the tables of the layouts as they are (npm run layout-docs)', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/exports.md'), 'utf8');
  assert.equal(page, withLayoutDocs(page));
});

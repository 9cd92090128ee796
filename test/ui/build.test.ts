/** What set-up built: small enough, and listening to all events. */
import assert from 'node:assert/strict';
import { globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { EVENT_TYPES } from '../../ui/src/api/event-types.ts';

const BUILT = path.resolve(import.meta.dirname, '../../ui/dist');
const LIMIT = 250_000;

test('all scripts together are under 250 KB compressed, and nothing stands inside the document', () => {
  const scripts = globSync('**/*.js.gz', { cwd: BUILT });
  assert.ok(scripts.length > 3);
  const bytes = scripts.reduce((sum, name) => sum + statSync(path.join(BUILT, name)).size, 0);
  assert.ok(bytes < LIMIT, `${bytes} bytes`);
  const document = readFileSync(path.join(BUILT, 'index.html'), 'utf8');
  assert.ok(!/<script(?![^>]* src=)|<style| style=| on\w+=/.test(document), document);
  assert.ok(!/https?:/.test(document), document);
});

test('the pages listen to every event that a run can log', () => {
  const source = readFileSync(path.resolve(import.meta.dirname, '../../src/jobs/events.ts'), 'utf8');
  const declared = [...source.matchAll(/^ {2}'([\w-]+)':/gm)].map(([, type]) => type);
  assert.ok(declared.length > 10);
  assert.deepEqual([...EVENT_TYPES].sort(), declared.sort());
});

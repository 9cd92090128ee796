/** The quality report over HTTP and from the command line, and exports with filters. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { encodePng } from '../../src/engine/png.ts';
import { failureGroups, recordFailures } from '../../src/jobs/failures.ts';
import { createRandom, hashSeed } from '../../src/random.ts';
import { diptych } from '../cli/run-command.ts';
import { temporaryFolder } from '../temporary.ts';
import { useApp } from './app.ts';
import { startLayoutWorker } from './layout-worker.ts';
import { scoredRun } from './scored-run.ts';

const context = await useApp();
const { store, send, listen } = context;
const ANNOTATIONS = 5;

/** Noise that differs from image to image; but the two images of s003 are the same file. */
const run = await scoredRun(context, ANNOTATIONS, 'quality', (imgId, slot) => {
  const random = createRandom(hashSeed(imgId, imgId === 's003' ? 0 : slot));
  return encodePng({
    ...{ width: 16, height: 16 },
    data: Uint8Array.from({ length: 3 * 16 * 16 }, () => random.int(256)),
  });
});
const url = await listen();

const worker = await startLayoutWorker(context);
context.closing.unshift(() => worker.stop());

/** Runs a command; what it says, and whether it went well. */
async function said(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await diptych(...args, '--url', url);
  return { code, text: (code === 0 ? stdout : stderr).trimEnd() };
}

test('before it was asked for there is none, and the answer says how to ask', async () => {
  const { status, body } = await send('GET', `/v1/runs/${run}/quality`);
  assert.deepEqual([status, body.error.code], [404, 'DIPTYCH_NOT_FOUND']);
  assert.match(body.error.message, /no quality report yet; ask for one: POST .+ \{"layout": "quality"\}$/);
  const unknown = await send('GET', '/v1/runs/00000000-0000-4000-8000-000000000000/quality');
  assert.equal(unknown.status, 404);
});

test('the command makes the report and shows it; HTTP has the same numbers', async (_t) => {
  const { code, text } = await said('quality', run);
  assert.equal(code, 0, text);
  const { body } = await send('GET', `/v1/runs/${run}/quality`);
  const report = body.report as Record<string, Record<string, unknown>>;
  assert.deepEqual([report.annotations, report.candidates], [ANNOTATIONS, 2 * ANNOTATIONS]);
  assert.equal(report.repeats!.exact, 1);
  assert.deepEqual(Object.keys(report.metrics!), ['clip-score', 'dpg']);
  assert.match(text, /^10 candidates of 5 annotations; 0 have no reward$/m);
  assert.match(text, /^repeats: 1 are the file of an earlier candidate/m);
  assert.match(text, /^pairs: 5 of 5 compared; 0 ties/m);
  assert.match(text, /^clip-score +10 /m);
  assert.match(text, /^clip-score \/ dpg +5 /m);
  assert.match(text, /^4 items, most often /m);
  assert.deepEqual(body.failures, []);
  const again = await said('quality', run, '--json');
  assert.deepEqual(JSON.parse(again.text), body);
});

test('a report is of a version, and other settings give another', async (_t) => {
  const first = (await send('GET', `/v1/runs/${run}/quality`)).body;
  const options = JSON.stringify({ pairs: { policy: 'all', margin: 10, ties: 'drop' } });
  const { code, text } = await said('quality', run, '--options', options);
  assert.equal(code, 0, text);
  assert.match(text, /^pairs: 0 of 5 compared; 5 ties, .+ 5 annotations have none$/m);
  assert.match(text, /; 4 in no pair: /);
  const newest = (await send('GET', `/v1/runs/${run}/quality`)).body;
  assert.notEqual(newest.version, first.version);
  assert.deepEqual((await send('GET', `/v1/runs/${run}/quality?version=${first.version}`)).body, first);
  const none = await send('GET', `/v1/runs/${run}/quality?version=${'0'.repeat(64)}`);
  assert.match(none.body.error.message, /no quality report of version 0{64} yet/);
});

test('what failed stands in it by reason, the most frequent first', async () => {
  const task = await store.task.create({
    data: { runId: run, ordinal: 1, seq: 0, worker: 'score', kind: 'score', payload: {}, units: 1 },
  });
  const [a, b] = await store.annotation.findMany({ take: 2 });
  const failure = { variant: 'curated' as const, slot: 2, what: 'image', reason: 'refused' };
  await store.$transaction((tx) =>
    recordFailures(tx, task, [
      { ...failure, annotationId: a!.id },
      { ...failure, annotationId: b!.id },
      { ...failure, annotationId: a!.id, slot: 1, what: 'dpg', reason: 'no answer' },
      { ...failure, annotationId: b!.id, slot: 0, variant: 'base' },
    ]),
  );
  const { failures } = (await send('GET', `/v1/runs/${run}/quality`)).body;
  assert.deepEqual(failures, [
    { stage: 'score', what: 'image', reason: 'refused', count: 2 },
    { stage: 'score', what: 'dpg', reason: 'no answer', count: 1 },
  ]);
  assert.equal((await failureGroups(store, run, 1)).length, 1);
});

test('an export with filters is a version of its own, and names them to be made again', async (t) => {
  const out = path.join(await temporaryFolder(t), 'out');
  const filters = { nearDuplicates: 0 };
  const options = JSON.stringify({ filters });
  const made = await said('export', run, '--layout', 'images', '--options', options, '--out', out);
  assert.equal(made.code, 0, made.text);
  const read = (name: string) => readFile(path.join(out, name), 'utf8');
  const dropped = (await read('dropped.jsonl')).trim().split('\n');
  assert.ok(dropped.some((line) => JSON.parse(line).detail === 'the same file as s003-0'));
  const manifest = JSON.parse(await read('manifest.json'));
  assert.deepEqual(manifest.policy.filters, filters);
  assert.equal(manifest.dropped['near-duplicate'], dropped.length);
  const plain = await send('POST', `/v1/runs/${run}/exports`, { layout: 'images' });
  assert.notEqual(plain.body.version, manifest.version);
  const same = { layout: 'images', filters, version: manifest.version };
  assert.equal((await send('POST', `/v1/runs/${run}/exports`, same)).status, 200);
});

test('filters that can not be are refused by their value', async () => {
  const refused = async (filters: unknown) => {
    const { status, body } = await send('POST', `/v1/runs/${run}/exports`, { layout: 'images', filters });
    assert.equal(status, 400);
    return body.error.message;
  };
  assert.equal(
    await refused({ minScores: { beauty: 1 } }),
    'filters.minScores names "beauty"; measured are clip-score, dpg',
  );
  assert.equal(await refused({ nearDuplicates: 99 }), 'filters.nearDuplicates is 99, must be <= 16');
  assert.match(await refused({ best: 1 }), /filters has "best", which is not a known property/);
});

/** An export, imported into an empty store and exported again: the same to the last byte. */
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { encodePng } from '../../src/engine/png.ts';
import { votersNumber } from '../../src/export/rows.ts';
import { query } from '../../src/store/client.ts';
import { castVote, undoVote, voteRevision } from '../../src/store/votes.ts';
import { pairsOfRun } from '../../workers/rewarded.ts';
import { scoredRun } from '../api/scored-run.ts';
import { sha256 } from '../export/made-up.ts';
import { readRows } from '../export/read.ts';
import { useImportService } from './service.ts';

const service = await useImportService();
const { store, folder, app, send, imported, working, ended, importsFolder } = service;
const LAYOUTS = ['images', 'pickapic', 'scores'] as const;
const ANNOTATIONS = 23;

const pngOf = (imgId: string, slot: number) => {
  const shade = Number.parseInt(sha256(Buffer.from(`${imgId}/${slot}`)).slice(0, 2), 16);
  return encodePng({ width: 32, height: 32, data: new Uint8Array(3 * 32 * 32).fill(shade) });
};

/** Asks for the layout and puts its files into a folder; sha256 by name. */
async function exported(
  run: string,
  layout: string,
  to: string,
  options = {},
): Promise<Record<string, string>> {
  const asked = await send('POST', `/v1/runs/${run}/exports`, { layout, ...options });
  assert.equal(asked.status, 201, asked.body.error?.message);
  const { status, error } = await working(() => ended(asked.body.id));
  assert.deepEqual([status, error], ['succeeded', null]);
  const { items } = (await send('GET', `/v1/exports/${asked.body.id}/files?limit=500`)).body;
  const hashes: Record<string, string> = {};
  for (const { name, link } of items as { name: string; link: string }[]) {
    const { rawPayload } = await app.inject({ method: 'GET', url: link });
    await mkdir(path.dirname(path.join(to, name)), { recursive: true });
    await writeFile(path.join(to, name), rawPayload);
    hashes[name] = sha256(rawPayload);
  }
  return hashes;
}

/** What a run has, without the store's own ids. */
async function contentOf(run: string) {
  const settings = (await store.run.findUniqueOrThrow({ where: { id: run } })).settings as never;
  const { candidates, pairs } = await pairsOfRun(store, run, settings, await voteRevision(store, run));
  const place = new Map(candidates.map(({ id, imgId, slot }) => [id, `${imgId}/${slot}`]));
  return {
    candidates: candidates.map(({ id: _, runId: __, annotationId: ___, requestHash: ____, ...rest }) => rest),
    pairs: pairs.map(({ winner, loser, votes, ...rest }) => ({
      ...rest,
      votes: votes && { ...votes, voters: votes.voters.map((voter) => votersNumber([voter])) },
      winner: place.get(winner),
      loser: place.get(loser),
    })),
  };
}

const run = await scoredRun(service, ANNOTATIONS, 'first', pngOf);
const RUN_SETTINGS = (await store.run.findUniqueOrThrow({ where: { id: run } })).settings as never;
// One that another server drew: its seed alone is known of it.
const [odd] = await store.candidate.findMany({ where: { runId: run }, take: 1 });
await store.candidate.update({
  where: { id: odd!.id },
  data: {
    generation: {
      ...{ model: 'web', modelHash: null, sampler: null, steps: null, guidance: null },
      server: { api: 'automatic1111', host: 'gpu:7860' },
    },
  },
});
// People turn the machine's order of one, agree on it in another, and prefer neither; one vote is undone.
const [turned, agreed, neither] = (await pairsOfRun(store, run, RUN_SETTINGS, 0)).pairs;
for (const [pair, voter, outcome] of [
  [turned!, 'ada', 'ranking'],
  [turned!, 'bob', 'ranking'],
  [agreed!, 'ada', 'both-bad'],
  [neither!, 'bob', 'both-good'],
  [neither!, 'ada', 'ranking'],
] as const) {
  const annotationId = (await store.candidate.findUniqueOrThrow({ where: { id: pair.winner } })).annotationId;
  const bySlot = await store.candidate.findMany({
    where: { runId: run, annotationId },
    orderBy: { slot: 'asc' },
  });
  const candidates = bySlot.map(({ id }) => id);
  const vote = await castVote(store, {
    ...{ runId: run, annotationId, voter, mode: 'pair', candidates, shown: candidates, outcome, seconds: 2 },
    ranking: outcome === 'ranking' ? [pair.loser, pair.winner] : [],
  });
  if (pair === neither && voter === 'ada') await undoVote(store, run, vote.id);
}
const before = await contentOf(run);
assert.equal(before.pairs.filter(({ votes }) => votes).length, 1);
const first: Record<string, Record<string, string>> = {};
for (const layout of LAYOUTS) first[layout] = await exported(run, layout, path.join(folder, 'out', layout));
const source = path.join(folder, 'out', 'images');
const filtered = path.join(folder, 'out', 'filtered');
const leastReward = before.candidates.map(({ reward }) => reward!).sort((a, b) => a - b)[30]!;
const ofFiltered = await exported(run, 'images', filtered, { filters: { minReward: leastReward } });
await query(store, 'TRUNCATE annotation_set CASCADE');
await rm(path.join(folder, 'blobs'), { recursive: true });

/** What is left of a failed import: nothing. */
async function assertNothingStays(): Promise<void> {
  const [counts] = await query<Record<string, number>>(
    store,
    `SELECT (SELECT count(*)::int FROM annotation) AS annotations, (SELECT count(*)::int FROM candidate) AS candidates,
            (SELECT count(*)::int FROM vote) AS votes`,
  );
  assert.deepEqual(counts, { annotations: 0, candidates: 0, votes: 0 });
  const sets = (await send('GET', '/v1/annotation-sets')).body.items;
  assert.deepEqual(sets, []);
  assert.equal((await send('GET', '/v1/annotation-sets/bad/annotations')).status, 404);
  for (const kept of [importsFolder, path.join(folder, 'blobs')])
    assert.deepEqual(await readdir(kept).catch(() => []), []);
}

/** A copy of an export with one of its text files changed. */
async function tampered(file: string, change: (text: string) => string, of = source): Promise<string> {
  const copy = path.join(folder, 'tampered');
  await rm(copy, { recursive: true, force: true });
  await cp(of, copy, { recursive: true });
  await writeFile(path.join(copy, file), change(await readFile(path.join(of, file), 'utf8')));
  return copy;
}

for (const [what, file, change, message] of [
  [
    'a score',
    'inputs.jsonl',
    (text: string) => text.replace(/"dpg":0\.\d/, '"dpg":0.'),
    /^stage "import-diptych": inputs.jsonl: is of version [0-9a-f]{64}, manifest.json says/,
  ],
  [
    'the policy',
    'inputs.jsonl',
    (text: string) => text.replace('"policy":"mean"', '"policy":"median"'),
    /inputs.jsonl, line 1: its reward and pairs are none that this version knows/,
  ],
  [
    'a hash',
    'inputs.jsonl',
    (text: string) => text.replace(/"seed":7,"sha256":"./, '"seed":7,"sha256":"z'),
    /row group 0, row 0, column image: has sha256 [0-9a-f]{64}, it should be z/,
  ],
  [
    'a line that is missing',
    'inputs.jsonl',
    (text: string) =>
      text
        .split('\n')
        .filter((_, i) => i !== 4)
        .join('\n'),
    /row group 0, row \d+, column annotation_id: is "s\d+", inputs.jsonl has "s\d+" here/,
  ],
  [
    'lines at the end that are missing',
    'inputs.jsonl',
    (text: string) => text.split('\n').slice(0, -4).join('\n'),
    /column annotation_id: is "s\d+", which inputs.jsonl has not/,
  ],
  ['text that is no JSON', 'inputs.jsonl', (text: string) => `${text}{`, /inputs.jsonl, line 25: is no JSON/],
  [
    'votes of a newer version',
    'inputs.jsonl',
    (text: string) => text.replace('"votes":"majority"', '"votes":7'),
    /inputs.jsonl, line 1: is not what format 3 has there; was it written by a newer version\?/,
  ],
  [
    'a vote on an image that is not there',
    'inputs.jsonl',
    (text: string) => text.replace('"ranking":[1,0],"slots":[0,1]', '"ranking":[7,0],"slots":[0,7]'),
    /inputs.jsonl, line \d+: has a vote of \d+ on slots 0,7, which can't be/,
  ],
  [
    'more votes than there were',
    'manifest.json',
    (text: string) => text.replace(/"votes": 6,/, '"votes": 1,'),
    /inputs.jsonl, line \d+: has more votes than the revision 1 of manifest.json/,
  ],
  [
    'filters, and not what they left out',
    'inputs.jsonl',
    (text: string) => text.replace('"format":3,', '"filters":{"minReward":0.5},"format":3,'),
    /dropped.jsonl: is missing/,
  ],
  [
    'another version',
    'manifest.json',
    (text: string) => text.replace(/"version": "./, '"version": "z'),
    /manifest.json says z/,
  ],
] as const) {
  test(`${what}: refused, and nothing stays`, async () => {
    const { status, error } = await imported({
      ...{ as: 'diptych', annotationSet: 'bad', path: await tampered(file, change) },
    });
    assert.equal(status, 'failed');
    assert.match(error!, message);
    await assertNothingStays();
  });
}

for (const [what, change, message] of [
  [
    'a candidate that nothing left out has no row',
    (text: string) => text.slice(text.indexOf('\n') + 1),
    /column (annotation_id|image_index): is .*, inputs.jsonl has .* here/,
  ],
  [
    'what is left out is not of the export',
    (text: string) => `${text}{"annotation_id":"s1","image_index":9,"other_index":null}\n`,
    /dropped.jsonl, line \d+: has candidate 9 of "s1", which is not in the export or not at this place/,
  ],
  ['what is left out is no JSON', (text: string) => `{${text}`, /dropped.jsonl, line 1: is no line of what/],
] as const) {
  test(`filters: ${what}: refused, and nothing stays`, async () => {
    const copy = await tampered('dropped.jsonl', change, filtered);
    const { status, error } = await imported({ as: 'diptych', annotationSet: 'bad', path: copy });
    assert.equal(status, 'failed');
    assert.match(error!, message);
    await assertNothingStays();
  });
}

test('an export with filters comes back as what it holds, and is exported to the same rows but for the version', async (t) => {
  t.after(async () => {
    await query(store, 'TRUNCATE annotation_set CASCADE');
    await rm(path.join(folder, 'blobs'), { recursive: true });
  });
  const again = await imported({ as: 'diptych', annotationSet: 'kept', path: filtered });
  assert.deepEqual([again.status, again.error], ['succeeded', null]);
  const content = await contentOf(again.id);
  const kept = before.candidates.filter(({ reward }) => reward! >= leastReward);
  assert.ok(kept.length > 10 && kept.length < before.candidates.length);
  assert.deepEqual(content.candidates, kept);
  const places = new Set(kept.map(({ imgId, slot }) => `${imgId}/${slot}`));
  assert.deepEqual(
    content.pairs,
    before.pairs.filter(({ winner, loser }) => places.has(winner!) && places.has(loser!)),
  );
  const files = await exported(again.id, 'images', path.join(folder, 'again', 'kept'));
  const parquet = Object.keys(ofFiltered).filter((name) => name.endsWith('.parquet'));
  assert.ok(parquet.length > 0);
  for (const name of parquet) {
    assert.ok(name in files);
    // Of another version: what is left out is none of it.
    const rowsIn = async (of: string) =>
      (await readRows(path.join(of, name))).map(({ dataset_version: _, ...row }) => row);
    assert.deepEqual(await rowsIn(path.join(folder, 'again', 'kept')), await rowsIn(filtered));
  }
});

test('the run of an export comes back: candidates, scores, pairs, and every byte of its exports', async () => {
  const again = await imported({ as: 'diptych', annotationSet: 'again', path: source });
  assert.deepEqual([again.status, again.error], ['succeeded', null]);
  assert.deepEqual(await contentOf(again.id), before);
  for (const layout of LAYOUTS) {
    // Asked for as its card says, by the run of then.
    const files = await exported(run, layout, path.join(folder, 'again', layout));
    assert.deepEqual(files, first[layout]);
  }
  const exports = await store.export.findMany();
  assert.deepEqual([...new Set(exports.map(({ sourceId }) => sourceId))], [again.id]);
});

test('imported once more it is the same annotations with candidates of another run', async () => {
  const annotations = await store.annotation.count();
  const once = await imported({ as: 'diptych', annotationSet: 'again', path: source });
  assert.deepEqual([once.status, once.error], ['succeeded', null]);
  assert.equal(await store.annotation.count(), annotations);
  assert.deepEqual(await contentOf(once.id), before);
});

test('an annotation that is in the set with other words is never changed', async () => {
  const { body, id } = await store.annotation.findFirstOrThrow();
  await store.annotation.update({ where: { id }, data: { body: { ...(body as object), url: 'elsewhere' } } });
  const candidates = await store.candidate.count();
  const { status, error } = await imported({ as: 'diptych', annotationSet: 'again', path: source });
  assert.equal(status, 'failed');
  assert.match(
    error!,
    /the annotation set has another annotation of img_id "s\d+"; import into a set of another name/,
  );
  assert.equal(await store.candidate.count(), candidates);
});

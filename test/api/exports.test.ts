/** Exports over HTTP, made by the score worker's own task: versions, files in ranges, deletion. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { getExport } from '../../src/jobs/exports.ts';
import { commitTask } from '../../src/jobs/tasks.ts';
import { log } from '../../src/log.ts';
import { ensureSet, upsertAnnotations } from '../../src/store/annotations.ts';
import { findArtifact } from '../../src/store/artifacts.ts';
import { insertScores } from '../../src/store/candidates.ts';
import { sha256 } from '../export/made-up.ts';
import { claim } from '../jobs/plans.ts';
import { scene } from '../scenes.ts';
import { until } from '../wait.ts';
import { type Answer, useApp } from './app.ts';
import { layoutTaskOf, startLayoutWorker } from './layout-worker.ts';
import { imageOf, scoredRun } from './scored-run.ts';

const context = await useApp();
const { app, store, boss, url, send, exportsFolder } = context;
const ANNOTATIONS = 12;
const SET = 'exported';
const run = await scoredRun(context, ANNOTATIONS, SET);

/** Does what waits for the score worker while `during` lasts. */
async function working<T>(during: () => Promise<T>): Promise<T> {
  const worker = await startLayoutWorker(context);
  try {
    return await during();
  } finally {
    await worker.stop();
  }
}

type Asked = { status: number; body: Answer & { version: string; links: Record<string, string | null> } };
const ask = (body: object, of = run) => send('POST', `/v1/runs/${of}/exports`, body) as Promise<Asked>;
const ended = (id: string) =>
  until(`export ${id} has ended`, async () => {
    const view = await getExport(store, id);
    return view.finishedAt && view;
  });

/** Asks, waits, and checks that it went well. */
async function made(body: object): Promise<Asked['body']> {
  const { status, body: asked } = await ask(body);
  assert.ok(status === 201 || status === 200, asked.error?.message);
  const view = await working(() => ended(asked.id));
  assert.deepEqual([view.status, view.error], ['succeeded', null]);
  return (await send('GET', `/v1/exports/${asked.id}`)).body as Asked['body'];
}

interface FileView {
  name: string;
  bytes: number;
  sha256: string;
  link: string;
}

async function filesOf(id: string, limit = 500): Promise<FileView[]> {
  const all: FileView[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await send('GET', `/v1/exports/${id}/files?limit=${limit}${cursor}`);
    all.push(...(body.items as unknown as FileView[]));
    if (body.next === null) return all;
    cursor = `&cursor=${body.next}`;
  }
}

const get = async (link: string, headers: Record<string, string> = {}) =>
  app.inject({ method: 'GET', url: link, headers });

test('an export is asked for, made, described, and every file is what its hash says', async () => {
  const { status, body: asked } = await ask({ layout: 'hpdv3' });
  assert.deepEqual([status, asked.status, asked.fraction], [201, 'running', 0]);
  assert.deepEqual([asked.links.files, asked.links.manifest], [null, null]);
  assert.deepEqual((await send('GET', `/v1/exports/${asked.id}/files`)).body.items, []);

  const done = await made({ layout: 'hpdv3' });
  assert.deepEqual([done.id, done.status, done.fraction, done.secondsLeft], [asked.id, 'succeeded', 1, null]);
  assert.deepEqual([done.run, done.layout, done.version], [run, 'hpdv3', asked.version]);

  const files = await filesOf(done.id);
  assert.deepEqual(await filesOf(done.id, 7), files);
  for (const { link, bytes, sha256: hash } of files) {
    const { rawPayload, headers } = await get(link);
    assert.deepEqual([rawPayload.length, sha256(rawPayload)], [bytes, hash]);
    assert.equal(headers.etag, `"${hash}"`);
  }
  const manifest = (await get(done.links.manifest!)).json();
  assert.equal(manifest.version, done.version);
  assert.deepEqual(
    files
      .filter(({ name }) => name !== 'manifest.json')
      .map(({ name, bytes, sha256: hash }) => [name, bytes, hash]),
    manifest.files
      .map(({ name, bytes, sha256: hash }: FileView) => [name, bytes, hash])
      .sort(([a]: [string], [b]: [string]) => (a < b ? -1 : 1)),
  );
  const [first] = JSON.parse((await get(`/v1/exports/${done.id}/files/hpdv3/train.json`)).body);
  const winner = await get(`/v1/exports/${done.id}/files/hpdv3/${first.path1}`);
  assert.ok([0, 1].some((slot) => winner.rawPayload.equals(imageOf(first.annotation_id, slot))));

  const events = await store.event.findMany({ where: { runId: done.id }, orderBy: { id: 'asc' } });
  assert.deepEqual(
    events.map(({ type }) => type),
    ['run-created', 'stage-started', 'export-written', 'stage-succeeded', 'run-succeeded'],
  );
});

test('asked for again it is the same export; the list of the run has it once', async () => {
  const { status, body } = await ask({ layout: 'hpdv3', writer: 'parquetjs-lite' });
  const known = await ask({ layout: 'hpdv3' });
  assert.deepEqual([status, known.status, known.body.id], [200, 200, body.id]);
  const listed = await send('GET', `/v1/runs/${run}/exports`);
  assert.deepEqual(
    listed.body.items.map(({ id }) => id),
    [body.id],
  );
});

test('ranges: what they cut, what is ignored, what is not there', async () => {
  const { id } = (await ask({ layout: 'hpdv3' })).body;
  const [file] = await filesOf(id);
  const { link, bytes, sha256: hash } = file!;
  const whole = (await get(link)).rawPayload;
  const cuts: [range: string, start: number, end: number][] = [
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    [`bytes=${bytes - 5}-`, bytes - 5, bytes - 1],
    ['bytes=-7', bytes - 7, bytes - 1],
    ['bytes=3-99999999', 3, bytes - 1],
    ['bytes=-99999999', 0, bytes - 1],
  ];
  for (const [range, start, end] of cuts) {
    const part = await get(link, { range });
    assert.equal(part.statusCode, 206, range);
    assert.equal(part.headers['content-range'], `bytes ${start}-${end}/${bytes}`);
    assert.equal(part.headers['content-length'], String(end - start + 1));
    assert.deepEqual(part.rawPayload, whole.subarray(start, end + 1), range);
  }
  for (const range of ['bytes=5-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=-', 'bytes=a-b', 'nonsense']) {
    const all = await get(link, { range });
    assert.deepEqual([all.statusCode, all.rawPayload], [200, whole], range);
  }
  for (const range of [`bytes=${bytes}-`, 'bytes=-0']) {
    const none = await get(link, { range });
    assert.deepEqual([none.statusCode, none.headers['content-range']], [416, `bytes */${bytes}`]);
    assert.equal(none.json().error.code, 'DIPTYCH_INVALID_INPUT');
  }
  const mine = await get(link, { range: 'bytes=0-3', 'if-range': `"${hash}"` });
  assert.deepEqual([mine.statusCode, mine.rawPayload], [206, whole.subarray(0, 4)]);
  const others = await get(link, { range: 'bytes=0-3', 'if-range': '"of another file"' });
  assert.deepEqual([others.statusCode, others.rawPayload], [200, whole]);
  const known = await get(link, { 'if-none-match': `"x", "${hash}"` });
  assert.deepEqual([known.statusCode, known.body], [304, '']);
  const head = await app.inject({ method: 'HEAD', url: link });
  assert.deepEqual([head.statusCode, head.headers['content-length'], head.body], [200, String(bytes), '']);
  assert.equal((await get(`${link}x`)).statusCode, 404);
  assert.equal((await get(`/v1/exports/${id}/files/..%2f..%2fblobs`)).statusCode, 404);
});

test('a changed annotation is another version; the older one stays, and comes back with its data', async () => {
  const old = await made({ layout: 'images' });
  const { id: setId } = await ensureSet(store, SET);
  const original = scene('s003', 3);
  await upsertAnnotations(store, setId, [{ ...original, caption_ori: 'two other shapes' }]);
  const again = await ask({ layout: 'images', version: old.version });
  assert.equal(again.status, 409);
  assert.match(
    again.body.error.message,
    new RegExp(
      `gives version [0-9a-f]{64}, not ${old.version}: its annotations, scores or votes have changed since`,
    ),
  );
  const changed = await made({ layout: 'images' });
  assert.notEqual(changed.version, old.version);
  const [before, after] = [await filesOf(old.id), await filesOf(changed.id)];
  assert.deepEqual(
    before.map(({ name }) => name),
    after.map(({ name }) => name),
  );
  assert.notDeepEqual(before, after);
  const read = async (id: string) => {
    const { body } = await get(`/v1/exports/${id}/files/inputs.jsonl`);
    return body.split('\n');
  };
  const [was, is] = [await read(old.id), await read(changed.id)];
  const differing = was.filter((line, i) => line !== is[i]);
  assert.deepEqual(
    differing.map((line) => JSON.parse(line).annotation),
    ['s003'],
  );

  await upsertAnnotations(store, setId, [original]);
  assert.deepEqual((await ask({ layout: 'images', version: old.version })).body.id, old.id);
});

test('a version that was deleted is made again with the same bytes', async () => {
  const first = await made({ layout: 'pickapic' });
  const files = await filesOf(first.id);
  assert.equal((await send('DELETE', `/v1/exports/${first.id}`)).status, 204);
  const second = await made({ layout: 'pickapic', version: first.version });
  assert.notEqual(second.id, first.id);
  const told = (list: FileView[]) => list.map(({ name, bytes, sha256: hash }) => [name, bytes, hash]);
  assert.deepEqual(told(await filesOf(second.id)), told(files));
});

test('a metric scored anew is another version; by its old scores the old one is still there', async () => {
  const old = await made({ layout: 'scores' });
  const candidates = await store.candidate.findMany({ where: { runId: run } });
  await store.$transaction((tx) =>
    insertScores(
      tx,
      candidates.map(({ id: candidateId }) => ({
        ...{ candidateId, metric: 'dpg', mode: 'fixed', version: '2' },
        ...{ value: 0.5, evidence: {} },
      })),
    ),
  );
  const anew = await made({ layout: 'scores' });
  assert.notEqual(anew.version, old.version);
  assert.deepEqual((anew.policy as { scores: unknown }).scores, { 'clip-score': 'fixed/1', dpg: 'fixed/2' });
  const pinned = await ask({ layout: 'scores', scores: { dpg: 'fixed/1' } });
  assert.deepEqual([pinned.status, pinned.body.id], [200, old.id]);

  await send('DELETE', `/v1/exports/${old.id}`);
  const files = async (id: string) => (await filesOf(id)).map(({ name, sha256: hash }) => [name, hash]);
  const restored = await made({ layout: 'scores', scores: { dpg: 'fixed/1' }, version: old.version });
  assert.equal(restored.version, old.version);
  assert.notDeepEqual(await files(restored.id), await files(anew.id));
  await store.score.deleteMany({ where: { metric: 'dpg', version: '2' } });
});

test('annotations that change on the way fail the export instead of ending up in it', async (t) => {
  const reported = t.mock.fn();
  t.mock.method(log, 'child', () => ({ info() {}, error: reported }));
  const { body } = await ask({ layout: 'binarized' });
  const { id: setId } = await ensureSet(store, SET);
  await upsertAnnotations(store, setId, [{ ...scene('s000', 0), caption_ori: 'changed on the way' }]);
  const view = await working(() => ended(body.id));
  assert.equal(view.status, 'failed');
  assert.match(view.error!, /annotations, scores or votes changed on the way: they are version/);
  assert.equal(reported.mock.callCount(), 1);
  assert.deepEqual((await readdir(path.join(exportsFolder, body.id))).length, 0);
  await upsertAnnotations(store, setId, [scene('s000', 0)]);
  const next = await made({ layout: 'binarized' });
  assert.notEqual(next.id, body.id);
});

test('a stale attempt touches no file of the newer one, whenever it wakes up', async () => {
  const { body } = await ask({ layout: 'image-reward' });
  const stale = await claim(store, body.id, 0, 0);
  const layout = layoutTaskOf(context);
  const attempt = () => layout({ task: stale, signal: new AbortController().signal, progress() {} });
  const write = await attempt();
  const view = await working(() => ended(body.id));
  assert.equal(view.status, 'succeeded');
  await assert.rejects(commitTask(store, boss, stale, write), { code: 'DIPTYCH_STALE_ATTEMPT' });
  // Or only now: an earlier attempt clears nothing away.
  await attempt();
  for (const { link, sha256: hash } of await filesOf(body.id)) {
    assert.equal(sha256((await get(link)).rawPayload), hash);
  }
  const { path: where } = await findArtifact(store, body.id, 'manifest.json');
  assert.equal(path.basename(path.dirname(where)), String(stale.attempt + 1));
});

test('a worker killed in the middle: the next attempt clears its half away and gives the same bytes', async (t) => {
  const { body } = await ask({ layout: 'binarized', writer: 'parquetjs-lite' });
  const { id: taskId } = await store.task.findFirstOrThrow({ where: { runId: body.id } });
  const child = fork(
    path.join(import.meta.dirname, 'export-child.ts'),
    [taskId, `${context.folder}/blobs`, exportsFolder],
    { env: { ...process.env, DATABASE_URL: url }, execArgv: ['--disable-warning=ExperimentalWarning'] },
  );
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  child.kill('SIGKILL');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  const folder = path.join(exportsFolder, body.id);
  assert.match((await readdir(folder)).join(), /^1\.partial-[0-9a-f-]{36}$/);

  assert.equal((await working(() => ended(body.id))).status, 'succeeded');
  assert.deepEqual(await readdir(folder), ['2']);
  const told = async (id: string) => (await filesOf(id)).map(({ name, sha256: hash }) => [name, hash]);
  const disturbed = await told(body.id);
  assert.ok(disturbed.length > 3);
  await send('DELETE', `/v1/exports/${body.id}`);
  const calm = await made({ layout: 'binarized', writer: 'parquetjs-lite' });
  assert.deepEqual(await told(calm.id), disturbed);
});

test('deleting removes the files, and the folders of exports that nobody knows any more', async () => {
  const { id } = await made({ layout: 'arrow' });
  const kept = await made({ layout: 'folders' });
  const forgotten = path.join(exportsFolder, '00000000-0000-4000-8000-000000000000', '1.partial-x');
  await mkdir(forgotten, { recursive: true });
  await writeFile(path.join(forgotten, 'half'), 'x');
  assert.equal((await send('DELETE', `/v1/exports/${id}`)).status, 204);
  assert.equal((await send('GET', `/v1/exports/${id}`)).status, 404);
  assert.equal((await send('DELETE', `/v1/exports/${id}`)).status, 404);
  const left = await readdir(exportsFolder);
  assert.ok(!left.includes(id) && !existsSync(path.dirname(forgotten)));
  assert.ok(left.includes(kept.id));
  assert.equal((await send('DELETE', `/v1/exports/${run}`)).status, 404);
});

test('one under way is cancelled as a run, or deleted', async () => {
  const { body } = await ask({ layout: 'webdataset' });
  const cancelled = await send('POST', body.links.cancel!, undefined);
  assert.equal(cancelled.body.status, 'cancelled');
  assert.equal((await send('GET', `/v1/exports/${body.id}`)).body.status, 'cancelled');
  const next = await ask({ layout: 'webdataset' });
  assert.equal(next.status, 201);
  assert.equal((await send('DELETE', `/v1/exports/${next.body.id}`)).status, 204);
  assert.equal((await made({ layout: 'webdataset' })).status, 'succeeded');
});

test('a file that somebody removed from the disk is said to be gone', async () => {
  const { id } = await made({ layout: 'arrow' });
  const file = await findArtifact(store, id, 'arrow/scores.arrows');
  await rm(file.path);
  const gone = await send('GET', `/v1/exports/${id}/files/${file.name}`);
  assert.equal(gone.status, 404);
  assert.equal(gone.body.error.message, `"arrow/scores.arrows" was removed from the server's disk`);
});

test('what cannot be exported is refused, with what to do', async () => {
  const refused = async (body: object, of = run) => {
    const answer = await ask(body, of);
    return [answer.status, answer.body.error.message];
  };
  assert.deepEqual(await refused({ layout: 'excel' }), [
    400,
    'layout is "excel", must be one of images, pickapic, binarized, image-reward, hpdv3, folders, webdataset, scores, arrow, quality',
  ]);
  assert.deepEqual(await refused({ layout: 'folders', pairs: { ties: 'keep' } }), [
    400,
    'pairs.ties is "keep", but the layout "folders" has no way to tell a tie; make it "drop"',
  ]);
  assert.deepEqual(await refused({ layout: 'images', scores: { dpg: 'fixed/9' } }), [
    400,
    'scores.dpg is "fixed/9"; there are fixed/1',
  ]);
  assert.deepEqual(await refused({ layout: 'images', scores: { beauty: 'fixed/1' } }), [
    400,
    'scores.beauty is "fixed/1"; there are none; measured are clip-score, dpg',
  ]);
  assert.deepEqual(await refused({ layout: 'images', reward: { weights: { beauty: 1 } } }), [
    400,
    'reward.weights names "beauty"; measured are clip-score, dpg',
  ]);
  const nobody = '00000000-0000-4000-8000-000000000000';
  assert.deepEqual(await refused({ layout: 'images' }, nobody), [404, `there is no run ${nobody}`]);
  const { id: setId } = await ensureSet(store, SET);
  const bare = { settings: {}, setId };
  const evaluate = await store.run.create({ data: { kind: 'evaluate', ...bare } });
  assert.deepEqual(await refused({ layout: 'images' }, evaluate.id), [
    400,
    `run ${evaluate.id} is of kind "evaluate" and has no curated candidates; name a run of kind "curate", "curate-then-train" or "import"`,
  ]);
  const stages = {
    create: { ordinal: 1, name: 'score', status: 'running' as const, total: 1, secondsPerUnit: 1 },
  };
  const early = await store.run.create({ data: { kind: 'curate', ...bare, stages } });
  assert.deepEqual(await refused({ layout: 'images' }, early.id), [
    409,
    `run ${early.id} is not scored yet: its stage "score" is running`,
  ]);
});

test('the card names the command that asks for the same export again', async () => {
  const { id, version } = await made({ layout: 'images', writer: 'parquetjs-lite' });
  const { body: card } = await get(`/v1/exports/${id}/files/images/README.md`);
  const [, options, named] =
    /^npm run diptych -- export \S+ --layout images --options '(.+)' --version (\S+) --out FOLDER$/m.exec(
      card,
    )!;
  assert.equal(named, version);
  const again = await ask({ layout: 'images', ...JSON.parse(options!), version: named });
  assert.deepEqual([again.status, again.body.id], [200, id]);
});

test('exports of all runs come newest first, page by page, with what their files take', async () => {
  const other = await scoredRun(context, 2, 'another set');
  const pairs = { policy: 'best-worst', margin: 0.123, ties: 'drop' };
  const first = await made({ layout: 'scores', pairs });
  const { body: second } = await ask({ layout: 'scores' }, other);
  const all: Record<string, unknown>[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await send('GET', `/v1/exports?limit=1${cursor}`);
    all.push(...body.items);
    if (body.next === null) break;
    cursor = `&cursor=${body.next}`;
  }
  assert.equal(all.length, await store.export.count());
  assert.deepEqual([all[0]!.id, all[0]!.bytes, all[0]!.annotationSet], [second.id, null, 'another set']);
  assert.deepEqual([all[1]!.id, all[1]!.annotationSet], [first.id, SET]);
  assert.equal(
    all[1]!.bytes,
    (await filesOf(first.id)).reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const times = all.map(({ createdAt }) => String(createdAt));
  assert.deepEqual(times, times.toSorted().toReversed());
  await send('DELETE', `/v1/exports/${second.id}`);
});

/** Candidates from image servers: what is stored of them, what is not asked for twice, what fails. */
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { planRun } from '../../pipelines/plan.ts';
import { withDefaults } from '../../pipelines/settings.ts';
import { listFailures } from '../../src/jobs/failures.ts';
import { createRun, getRun, retryRun } from '../../src/jobs/runs.ts';
import { commitTask } from '../../src/jobs/tasks.ts';
import { ensureSet, upsertAnnotations } from '../../src/store/annotations.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { listScored } from '../../src/store/candidates.ts';
import { places } from '../../src/store/places.ts';
import { generateTask } from '../../workers/generate/generate.ts';
import type { NumericThread } from '../../workers/numeric/client.ts';
import { useDatabase } from '../database.ts';
import { claim } from '../jobs/plans.ts';
import { automatic1111StandIn, grey, openaiImagesStandIn, type StandIn } from '../remote/stand-ins.ts';
import { scenes } from '../scenes.ts';
import { temporaryFolder } from '../temporary.ts';

const { store, boss } = await useDatabase();
const blobs = folderBlobs(await temporaryFolder({ after }));
const set = await ensureSet(store, 'shapes');
await upsertAnnotations(store, set.id, scenes(3));

const numeric: NumericThread = {
  call: () => Promise.reject(new Error('the built-in model was asked')),
  close: async () => {},
};
const generate = generateTask({ store, blobs, artifacts: folderArtifacts, numeric, places: places() });

/** Draws two candidates for each of three annotations in one task. */
async function draw(generator: Record<string, unknown>, settings: Record<string, unknown> = {}) {
  const runId = await plan(generator, settings);
  const shares = await generateOnce(runId);
  return { runId, candidates: await listScored(store, runId, 'curated', { limit: 100 }), shares };
}

/** A run that waits for its images. */
async function plan(generator: Record<string, unknown>, settings: Record<string, unknown> = {}) {
  const request = withDefaults({
    ...settings,
    candidates: 2,
    heldOutFraction: 0,
    generator: { tries: 1, width: 64, height: 64, ...generator },
  });
  return createRun(
    store,
    boss,
    await planRun(store, { kind: 'curate', annotationSet: 'shapes', settings: request }),
  );
}

/** Does the run's one task of its first stage. Returns the shares that it reported. */
async function generateOnce(runId: string): Promise<number[]> {
  const task = await claim(store, runId, 0, 0);
  const shares: number[] = [];
  const write = await generate({
    task,
    signal: new AbortController().signal,
    progress: (share) => shares.push(share),
  });
  await commitTask(store, boss, task, write);
  return shares;
}

const webUi = async (t: TestContext) => {
  const server = await automatic1111StandIn(t);
  return { server, settings: { api: 'automatic1111', url: server.url } };
};

/** The next `count` requests are refused. */
const failing = (server: StandIn, count: number) =>
  server.faults.push(...Array.from({ length: count }, () => ({ status: 400, body: 'not this prompt' })));

test("a server's images become candidates that tell where they are from", async (t) => {
  const { server, settings } = await webUi(t);
  const { candidates, shares } = await draw(settings, { sampling: { steps: 7, guidance: 2.5 } });
  assert.equal(candidates.length, 6);
  assert.equal(shares.at(-1), 1);
  const { host } = new URL(server.url);
  for (const { seed, prompt, sha256, width, height, generation } of candidates) {
    const asked = server.received.find(({ body }) => body.seed === seed);
    assert.equal(asked!.body.prompt, prompt);
    assert.deepEqual(await blobs.get(sha256), await grey(seed!, 64, 64));
    assert.deepEqual([width, height], [64, 64]);
    assert.deepEqual(generation, {
      model: `automatic1111@${host}`,
      modelHash: null,
      sampler: 'DDIM',
      steps: 7,
      guidance: 2.5,
      server: { api: 'automatic1111', host },
    });
  }
});

test('of an OpenAI server nothing is claimed that it does not tell', async (t) => {
  const server = await openaiImagesStandIn(t, { refuse: ['seed'] });
  const { candidates } = await draw({ api: 'openai-images', url: `${server.url}/v1`, model: 'painter' });
  const { host } = new URL(server.url);
  assert.deepEqual(candidates[5]!.generation, {
    model: `painter@${host}`,
    modelHash: null,
    sampler: null,
    steps: null,
    guidance: null,
    server: { api: 'openai-images', host },
  });
});

test('no image is asked for twice, unless something that decides it changed', async (t) => {
  const { server, settings } = await webUi(t);
  const first = await draw(settings);
  const again = await draw({ ...settings, concurrency: 1 });
  assert.equal(server.received.length, 6);
  assert.deepEqual(
    again.candidates.map(({ sha256 }) => sha256),
    first.candidates.map(({ sha256 }) => sha256),
  );
  let asked = 6;
  const changes = [{ width: 72 }, { model: 'other' }, { negativePrompt: 'blurry' }, { sampler: 'Euler a' }];
  for (const change of changes) {
    await draw({ ...settings, ...change });
    asked += 6;
    assert.equal(server.received.length, asked, JSON.stringify(change));
  }
  await draw(settings, { sampling: { steps: 3 } });
  assert.equal(server.received.length, asked + 6);
});

test('an image that fails is left out with its reason, and the next run asks for it alone', async (t) => {
  const { server, settings } = await webUi(t);
  failing(server, 1);
  const first = await draw(settings);
  assert.equal(first.candidates.length, 5);
  const [failure, ...others] = await listFailures(store, first.runId, '0', 10);
  assert.deepEqual([others, failure!.what, failure!.stage], [[], 'image', 'generate']);
  assert.match(failure!.reason, /^POST .* failed with status 400: "not this prompt"/);
  assert.equal((await getRun(store, first.runId)).stages[0]!.dropped, 1);
  assert.equal((await draw(settings)).candidates.length, 6);
  assert.equal(server.received.length, 7);
});

test('a run of which nothing is left fails with the first reason, and a retry asks again', async (t) => {
  const { server, settings } = await webUi(t);
  failing(server, 6);
  const { runId, candidates } = await draw(settings);
  assert.equal(candidates.length, 0);
  const { status, error } = await getRun(store, runId);
  assert.equal(status, 'failed');
  assert.match(error!, /^stage "generate": all 6 candidates failed; the first: POST .*"not this prompt"/);
  await retryRun(store, boss, runId);
  await generateOnce(runId);
  assert.equal((await listScored(store, runId, 'curated', { limit: 100 })).length, 6);
});

test('what a server has made is kept although the task ends before the rest is there', async (t) => {
  const { server, settings } = await webUi(t);
  const runId = await plan({ ...settings, concurrency: 1 });
  const task = await claim(store, runId, 0, 0);
  const stop = new AbortController();
  const work = generate({ task, signal: stop.signal, progress: (share) => share > 0.4 && stop.abort() });
  await assert.rejects(work, { name: 'AbortError' });
  const before = server.received.length;
  assert.ok(before < 6);
  // Nothing was committed, and what arrived whole is not asked for again.
  assert.deepEqual(await listScored(store, runId, 'curated', { limit: 100 }), []);
  const { candidates } = await draw(settings);
  assert.equal(candidates.length, 6);
  assert.ok(server.received.length <= before + 6 - 2, `${server.received.length} after ${before}`);
});

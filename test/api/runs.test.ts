import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withDefaults } from '../../pipelines/settings.ts';
import { recordFailures } from '../../src/jobs/failures.ts';
import { commitTask, failTask } from '../../src/jobs/tasks.ts';
import { ensureSet, upsertAnnotations } from '../../src/store/annotations.ts';
import { DEFAULT_TRAIN } from '../../src/training/settings.ts';
import { claim, failureOf, newRun } from '../jobs/plans.ts';
import { scenes } from '../scenes.ts';
import { useApp } from './app.ts';

const { store, boss, send } = await useApp();
const set = await ensureSet(store, 'shapes');
await upsertAnnotations(store, set.id, scenes(20));

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const curate = { kind: 'curate', annotationSet: 'shapes' };

test('a run is asked for with two words, and says every setting it has', async () => {
  const { status, body } = await send('POST', '/v1/runs', { ...curate, kind: 'curate-then-train' });
  assert.equal(status, 201);
  const { seed: _, ...train } = DEFAULT_TRAIN;
  assert.deepEqual(body.settings, {
    seed: 1,
    model: 'sample',
    clip: 'sample',
    pick: 'sample',
    candidates: 4,
    heldOutFraction: 0.2,
    sampling: { steps: 20, guidance: 3 },
    scoring: { mode: 'fixed', answerer: 'sample', detector: 'sample' },
    reward: { policy: 'mean', weights: { dpg: 1, 't2i-3in1': 1 } },
    pairs: { policy: 'all', margin: 0.05, ties: 'drop' },
    train,
    evaluation: { samples: 1 },
  });
  const stages = body.stages as { name: string; status: string; total: number }[];
  assert.deepEqual(
    stages.map(({ name, status: now }) => `${name}: ${now}`),
    [
      'generate: running',
      'score: waiting',
      'export: waiting',
      'train: waiting',
      'evaluate: generate: waiting',
      'evaluate: score: waiting',
      'report: waiting',
    ],
  );
  const [generate, , , , evaluate] = stages;
  assert.equal(generate!.total / 4 + evaluate!.total / 2, 20);
  assert.ok(evaluate!.total > 0);
  assert.ok((body.secondsLeft as number) > 0);
  assert.deepEqual((await send('GET', `/v1/runs/${body.id}`)).body.settings, body.settings);
});

test('a LoRA is asked for with {}, and gets its defaults; alpha stays left out', async () => {
  const settings = { train: { lora: {}, gradientCheckpointing: true } };
  const { body } = await send('POST', '/v1/runs', { ...curate, settings });
  const { train } = body.settings as { train: Record<string, unknown> };
  assert.deepEqual([train.lora, train.gradientCheckpointing], [{ rank: 8, convolutions: false }, true]);
});

test('settings that are given stay as given, the others get their defaults', async () => {
  const settings = { candidates: 2, sampling: { steps: 5 }, train: { steps: 3 } };
  const { body } = await send('POST', '/v1/runs', { ...curate, settings });
  const got = body.settings as Record<string, Record<string, unknown>>;
  assert.equal(got.candidates, 2);
  assert.deepEqual(got.sampling, { steps: 5, guidance: 3 });
  assert.deepEqual([got.train!.steps, got.train!.beta], [3, DEFAULT_TRAIN.beta]);
});

test('beta and guidance are those of the objective and form, unless they are given', async () => {
  const asked = async (train: object) => {
    const { body } = await send('POST', '/v1/runs', { ...curate, settings: { train } });
    const got = (body.settings as { train: { beta: number; guidance: number } }).train;
    return [got.beta, got.guidance];
  };
  assert.deepEqual(await asked({}), [300, 3]);
  assert.deepEqual(await asked({ form: 'published' }), [2000, 1]);
  assert.deepEqual(await asked({ objective: 'kto' }), [1000, 1]);
  assert.deepEqual(await asked({ objective: 'd3po', beta: 2 }), [2, 3]);
  assert.deepEqual(await asked({ objective: 'diffusion-dpo', guidance: 3 }), [2000, 3]);
  const { train } = withDefaults({ train: { external: 'a-command' } });
  assert.deepEqual([train.beta, train.guidance], [2000, 1]);
});

test('a run is cancelled once, and only a failed one is retried', async () => {
  const id = await newRun(store, boss);
  const early = await send('POST', `/v1/runs/${id}/retry`);
  assert.equal(early.status, 409);
  assert.equal(early.body.error.message, `run ${id} is running; only a failed one can be retried`);
  const cancelled = await send('POST', `/v1/runs/${id}/cancel`);
  assert.deepEqual([cancelled.status, cancelled.body.status], [200, 'cancelled']);
  const again = await send('POST', `/v1/runs/${id}/cancel`);
  assert.equal(again.status, 409);
  assert.equal(
    again.body.error.message,
    `run ${id} is cancelled; only one that has not ended can be cancelled`,
  );
  assert.equal((await send('POST', `/v1/runs/${UNKNOWN}/cancel`)).status, 404);

  const failed = await newRun(store, boss);
  for (const seq of [0, 1]) await failTask(store, await claim(store, failed, 0, seq), 'out of luck');
  assert.equal((await send('GET', `/v1/runs/${failed}`)).body.error as unknown, 'stage "first": out of luck');
  const retried = await send('POST', `/v1/runs/${failed}/retry`);
  assert.deepEqual(
    [retried.status, retried.body.status, retried.body.error as unknown],
    [200, 'running', null],
  );
});

test('runs are listed newest first, page by page', async () => {
  const ids: string[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await send('GET', `/v1/runs?limit=2${cursor}`);
    ids.push(...body.items.map(({ id }) => String(id)));
    if (body.next === null) break;
    cursor = `&cursor=${body.next}`;
  }
  const all = await store.run.findMany({ orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] });
  assert.deepEqual(
    ids,
    all.map(({ id }) => id),
  );
});

test('candidates that failed alone are listed page by page, each with its reason', async () => {
  const id = await newRun(store, boss);
  const failures = await Promise.all([0, 1, 2].map((slot) => failureOf(store, slot, `reason ${slot}`)));
  const task = await claim(store, id, 0, 0);
  await commitTask(store, boss, task, (tx) => recordFailures(tx, task, failures.slice(0, 2)));
  const first = (await send('GET', `/v1/runs/${id}/failures?limit=1`)).body;
  assert.deepEqual(first.items, [
    { imgId: 'failing', variant: 'curated', slot: 0, stage: 'first', what: 'image', reason: 'reason 0' },
  ]);
  const second = (await send('GET', `/v1/runs/${id}/failures?limit=2&cursor=${first.next}`)).body;
  assert.deepEqual(
    (second.items as { reason: string }[]).map(({ reason }) => reason),
    ['reason 1'],
  );
  assert.equal(second.next, null);
  const run = (await send('GET', `/v1/runs/${id}`)).body;
  assert.equal((run.stages as { dropped: number }[])[0]!.dropped, 2);
  const bad = await send('GET', `/v1/runs/${id}/failures?cursor=nonsense`);
  assert.deepEqual([bad.status, bad.body.error.code], [400, 'DIPTYCH_INVALID_INPUT']);
  assert.equal((await send('GET', `/v1/runs/${UNKNOWN}/failures`)).status, 404);
});

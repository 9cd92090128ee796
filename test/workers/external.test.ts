/** Training by a command: what it is given, what is made of what it leaves, and that it never outlives its task. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { planRun } from '../../pipelines/plan.ts';
import { type RunSettings, withDefaults } from '../../pipelines/settings.ts';
import { openEngine } from '../../src/engine/engine.ts';
import { readTensors } from '../../src/engine/safetensors.ts';
import { createRun, getRun } from '../../src/jobs/runs.ts';
import { commitTask } from '../../src/jobs/tasks.ts';
import { inspectFolder } from '../../src/models/folders/inspect.ts';
import { loadDiffusionModel } from '../../src/models/folders/model-folder.ts';
import { ensureSet, listAnnotations } from '../../src/store/annotations.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { listArtifacts } from '../../src/store/artifacts.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { places } from '../../src/store/places.ts';
import { startNumericThread } from '../../workers/numeric/client.ts';
import { killMarked } from '../../workers/train/marked.ts';
import { trainTask } from '../../workers/train/train.ts';
import { useDatabase } from '../database.ts';
import { claim } from '../jobs/plans.ts';
import { temporaryFolder } from '../temporary.ts';
import { until } from '../wait.ts';
import { curatedRun } from './curated-run.ts';
import type { Mode, Start } from './stand-in-trainer.ts';

const MODEL = path.resolve(import.meta.dirname, '../golden/generate-sd15/model');
const STEPS = 20;

const { store, boss, url } = await useDatabase();
const home = await temporaryFolder({ after });
process.env.DIPTYCH_HOME = home;
delete process.env.DIPTYCH_TRAINERS;
const numeric = startNumericThread();
after(() => numeric.close());
const where = places();
const blobs = folderBlobs(where.blobs);
const train = trainTask({ store, blobs, artifacts: folderArtifacts, numeric, places: where });

/** As docs/external-trainers.md has it for Diffusion-DPO, with another program. */
const standIn = (mode: Mode) => ({
  argv: [
    ...[process.execPath, '--disable-warning=ExperimentalWarning'],
    path.join(import.meta.dirname, 'stand-in-trainer.ts'),
    ...['--pretrained_model_name_or_path={model}', '--dataset_name={dataset}', '--output_dir={output}'],
    ...['--max_train_steps={steps}', '--beta_dpo={beta}', '--seed={seed}', `--mode=${mode}`],
  ],
  environment: { TOKENIZERS_PARALLELISM: 'false' },
  checkpointMark: 'random_states_0.pkl',
});
const MODES: Mode[] = ['unet', 'misfit', 'lora', 'zero-lora', 'nothing', 'fail', 'hang'];
/** Tells its steps in words of its own, and fails. */
const wordy = {
  argv: [process.execPath, '-e', "console.log('after 7 of 20 updates'); process.exit(1)"],
  progress: 'after (\\d+) of (\\d+) updates',
};
/** Each mode under its own name, and one of them under the name "changing". */
const writeTrainers = (changing: Mode) =>
  writeFile(
    where.trainers,
    JSON.stringify({
      ...Object.fromEntries(MODES.map((mode) => [mode, standIn(mode)])),
      changing: standIn(changing),
      wordy,
    }),
  );
await writeTrainers('unet');

let sourceRun: string;
/** Winner and loser of every pair by hash, sorted. */
let expected: string[];
before(async () => {
  ({ sourceRun, expected } = await curatedRun(store, blobs));
});

/** A run that waits for its training. */
async function plan(external: string, more: Partial<RunSettings['train']> = {}): Promise<string> {
  const settings = withDefaults({
    ...{ model: MODEL, sourceRun, reward: { weights: { dpg: 1 } } },
    pairs: { ties: 'keep' },
    train: { external, steps: STEPS, beta: 5000, ...more },
  });
  return createRun(store, boss, await planRun(store, { kind: 'train', annotationSet: 'shapes', settings }));
}

/** One attempt at the run's task. */
async function attempt(runId: string, signal = new AbortController().signal): Promise<number[]> {
  const task = await claim(store, runId, 0, 0);
  const shares: number[] = [];
  const write = await train({ task, signal, progress: (share) => shares.push(share) });
  await commitTask(store, boss, task, write);
  return shares;
}

/** Not even a zombie, which nobody may have waited for, is alive. */
const isAlive = (pid: number) => {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !readFileSync(file, 'utf8').includes(') Z ');
};
const markOf = (runId: string) => ({ name: 'DIPTYCH_EXTERNAL_TRAINING', value: folderOf(runId) });
const folderOf = (runId: string) => path.join(where.runFolder(runId), 'train');
const startOf = async (runId: string) =>
  JSON.parse(await readFile(path.join(folderOf(runId), 'output', 'start.json'), 'utf8')) as Start;
const artifactNames = async (runId: string) => (await listArtifacts(store, runId)).map(({ name }) => name);
const outputsOf = async (runId: string) => {
  const events = await store.event.findMany({
    where: { runId, type: 'trainer-output' },
    orderBy: { id: 'asc' },
  });
  return events.map(({ data }) => data as { line: string; step: number; steps: number });
};
const unetOf = (model: string) =>
  readTensors(path.join(model, 'unet', 'diffusion_pytorch_model.safetensors'));

test('pairs go out as the scripts read them, and the UNet that comes back is the tuned model', async () => {
  const runId = await plan('unet');
  const shares = await attempt(runId);
  const start = await startOf(runId);
  assert.deepEqual(start.seen.map(({ winner, loser }) => `${winner} > ${loser}`).sort(), expected.sort());
  assert.equal(start.seen.length, 8);
  assert.deepEqual(
    [start.arguments.max_train_steps, start.arguments.beta_dpo, start.arguments.seed],
    [String(STEPS), '5000', '1'],
  );
  const prompts = (await listAnnotations(store, (await ensureSet(store, 'shapes')).id, '', 3)).map(
    ({ prompt }) => prompt,
  );
  assert.deepEqual(new Set(start.seen.map(({ caption }) => caption)), new Set(prompts));

  assert.equal((await getRun(store, runId)).status, 'succeeded');
  assert.deepEqual(await artifactNames(runId), ['log.txt', 'model']);
  const model = (await listArtifacts(store, runId)).find(({ name }) => name === 'model')!.path;
  const [base, tuned] = [await unetOf(MODEL), await unetOf(model)];
  for (const [name, { data }] of Object.entries(base))
    assert.deepEqual(
      tuned[name]!.data,
      data.map((value) => Math.fround(value + 8)),
      name,
    );
  const engine = await openEngine();
  (await loadDiffusionModel(engine, model)).dispose();

  assert.deepEqual(
    shares,
    [...shares].sort((a, b) => a - b),
  );
  assert.ok(new Set(shares).size > 5, `${shares}`);
  assert.equal(shares.at(-1), 1);
  const last = (await outputsOf(runId)).at(-1)!;
  assert.deepEqual([last.step, last.steps], [STEPS, STEPS]);
  assert.match(last.line, /^Steps: 100%\|.*20\/20/);
  const log = await readFile(path.join(folderOf(runId), 'log.txt'), 'utf8');
  assert.match(log, /^\*{5} Running training \*{5}$/m);
});

test("the released script's own name of the data leads to the same pairs, and the service's secrets stay", async (t) => {
  process.env.DATABASE_URL = 'postgres://secret';
  t.after(() => delete process.env.DATABASE_URL);
  const runId = await plan('nothing');
  await assert.rejects(attempt(runId), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /the training left no weights in/,
  });
  const { environment } = await startOf(runId);
  assert.equal(environment.DATABASE_URL, undefined);
  assert.equal(environment.TOKENIZERS_PARALLELISM, 'false');
  assert.equal(environment.PATH, process.env.PATH);
  assert.deepEqual(
    await readdir(path.join(environment.PWD ?? folderOf(runId), 'yuvalkirstain/pickapic_v2/data')),
    ['train-00000-of-00001.parquet'],
  );
});

test('a LoRA is merged into the base', async () => {
  const runId = await plan('lora');
  await attempt(runId);
  assert.deepEqual(await artifactNames(runId), ['log.txt', 'lora', 'model']);
  const model = (await listArtifacts(store, runId)).find(({ name }) => name === 'model')!.path;
  assert.deepEqual(
    (await inspectFolder(model)).parts
      .flatMap(({ missing, misfits, surplus }) => [missing, misfits, surplus])
      .flat(),
    [],
  );
  const [base, tuned] = [await unetOf(MODEL), await unetOf(model)];
  const differing = Object.keys(base).filter((name) => `${base[name]!.data}` !== `${tuned[name]!.data}`);
  assert.ok(differing.length > 0 && differing.every((name) => /\.attn[12]\.to_/.test(name)), `${differing}`);
});

test('a command that fails fails its task with its last words, and its log is kept', async () => {
  const runId = await plan('fail');
  await assert.rejects(attempt(runId), (error: Error & { code: string; retryable: boolean }) => {
    assert.equal(error.code, 'DIPTYCH_COMMAND_FAILED');
    assert.equal(error.retryable, false);
    assert.match(error.message, /ended with code 3; its last lines:\n/);
    assert.match(
      error.message,
      /Traceback \(most recent call last\):\ntorch.cuda.OutOfMemoryError: CUDA out of/,
    );
    assert.doesNotMatch(error.message, / 1\/20 /, 'bars that were overwritten are not quoted');
    return true;
  });
  assert.deepEqual(await artifactNames(runId), ['log.txt']);
  assert.equal((await outputsOf(runId)).at(-1)!.step, 11);
});

test('a UNet of another shape is refused, and the log is kept', async () => {
  const runId = await plan('misfit');
  await assert.rejects(attempt(runId), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /output\/unet is not the base model's UNet: .*conv_in.bias/,
  });
  assert.deepEqual(await artifactNames(runId), ['log.txt']);
});

test('a LoRA that changes nothing is refused', async () => {
  await assert.rejects(attempt(await plan('zero-lora')), {
    code: 'DIPTYCH_BAD_MODEL',
    message: /pytorch_lora_weights.safetensors changes nothing: every B in it is 0/,
  });
});

test('the step is read as the entry says', async () => {
  const runId = await plan('wordy');
  await assert.rejects(attempt(runId), { code: 'DIPTYCH_COMMAND_FAILED' });
  const { step, line } = (await outputsOf(runId)).at(-1)!;
  assert.deepEqual([step, line], [7, 'after 7 of 20 updates']);
});

test('cancelling ends the command and what it started, however deaf they are', async () => {
  const runId = await plan('hang');
  const stop = new AbortController();
  const task = await claim(store, runId, 0, 0);
  const work = train({
    task,
    signal: stop.signal,
    progress: (share) => share >= 0.5 && stop.abort(new Error('cancelled')),
  });
  await assert.rejects(work, { message: 'cancelled' });
  const { own, worker } = await startOf(runId);
  assert.deepEqual([isAlive(own), isAlive(worker!)], [false, false]);
  assert.match(await readFile(path.join(folderOf(runId), 'log.txt'), 'utf8'), /not now\n/);
  assert.deepEqual(await artifactNames(runId), []);
});

test('a killed worker’s command ends with it; the next attempt drops a torn checkpoint, keeps the data and goes on', async (t) => {
  await writeTrainers('hang');
  const runId = await plan('changing');
  const dataset = path.join(folderOf(runId), 'yuvalkirstain', 'pickapic_v2', 'data');
  const output = path.join(folderOf(runId), 'output');
  const doomed = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'external-child.ts'), runId],
    { env: { ...process.env, DATABASE_URL: url }, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  t.after(async () => {
    doomed.kill('SIGKILL');
    await killMarked(markOf(runId));
  });
  await until('half of the steps are done', () => existsSync(path.join(output, `checkpoint-${STEPS / 2}`)));
  doomed.kill('SIGKILL');
  await once(doomed, 'exit');
  const left = await startOf(runId);
  await until('they are ended', () => !isAlive(left.own) && !isAlive(left.worker!));
  await mkdir(path.join(output, 'checkpoint-15'));
  const { mtimeMs } = await stat(dataset);

  await writeTrainers('unet');
  const shares = await attempt(runId);
  assert.equal((await startOf(runId)).resumedFrom, STEPS / 2);
  assert.equal((await stat(dataset)).mtimeMs, mtimeMs);
  // The bar of the resumed run counts from its checkpoint, the share does not.
  assert.equal(
    shares.find((share) => share > 0),
    0.5,
  );
  assert.equal(shares.at(-1), 1);
});

test('what an earlier attempt left running is ended before the command starts', async (t) => {
  const runId = await plan('unet');
  const { name, value } = markOf(runId);
  const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { env: { [name]: value } });
  t.after(() => left.kill('SIGKILL'));
  const exited = once(left, 'exit');
  await attempt(runId);
  assert.deepEqual(await exited, [null, 'SIGKILL']);
});

test('trainers that nobody named, and what else the file may get wrong', async () => {
  const refused = (message: RegExp) =>
    assert.rejects(plan('other'), { code: 'DIPTYCH_INVALID_INPUT', status: 400, message });
  await refused(
    /settings.train.external is "other"; known are unet, misfit, lora, zero-lora, nothing, fail, hang, changing, wordy \(/,
  );
  await assert.rejects(plan('unet', { objective: 'ddpo' }), {
    message:
      /^settings.train.objective is "ddpo", which the built-in trainer alone has; "unet" gets a folder/,
  });
  await assert.rejects(plan('unet', { lora: { rank: 1, convolutions: false } }), {
    message: /^settings.train.lora is for the built-in trainer; what "unet" trains/,
  });
  await assert.rejects(plan('unet', { validation: { every: 1, annotations: 1, tuned: 'best' } }), {
    message: /^settings.train.validation is for the built-in trainer; what "unet" trains/,
  });
  const files: [text: string, message: RegExp][] = [
    ['{', /trainers.json is not JSON: /],
    ['{"other": {}}', /trainers.json: other must have required propert.* argv/],
    ['{"other": {"argv": []}}', /trainers.json: other.argv must not have fewer than 1 items/],
    ['{"other": {"argv": ["a", 1]}}', /trainers.json: other.argv.1 must be string/],
    ['{"other": {"argv": ["a"], "shell": true}}', /trainers.json: other.shell is not a known property/],
    ['{"other": {"argv": ["a", "{outptu}"]}}', /other.argv has "{outptu}"; known are {dataset}, {model}, /],
    ['{"other": {"argv": ["a"], "progress": "(1"}}', /other.progress: Invalid regular expression/],
    ['{"other": {"argv": ["a"], "progress": "(\\\\d+)"}}', /other.progress is ".*"; it has two groups/],
  ];
  for (const [text, message] of files) {
    await writeFile(where.trainers, text);
    await refused(message);
  }
  await rm(where.trainers);
  await refused(/known are none \(/);
});

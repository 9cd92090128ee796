/** `diptych doctor` as a process: what it finds, what it misses, and the exit code that scripts go by. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { gpuLine } from '../../src/cli/doctor.ts';
import { nativeProblem } from '../../src/engine/engine.ts';
import { freePort, startEmbeddedPostgres } from '../../src/store/postgres.ts';
import { execute, reachableFolder, useDatabase } from '../database.ts';
import { runNode, WITHOUT_NATIVE } from '../engine/child.ts';
import { temporaryFolder } from '../temporary.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/cli/main.ts');
const native = nativeProblem();
const skip = native === null ? false : `native engine: ${native}`;
const { url } = await useDatabase();

type Environment = Record<string, string | undefined>;

/** Runs it in an environment of its own. */
async function doctor(env: Environment, preload?: string) {
  const { code, stdout, stderr } = await runNode([MAIN, 'doctor'], {
    env: { DIPTYCH_ENGINE: undefined, ...env },
    preload,
  });
  const lines = stdout.trimEnd().split('\n');
  return { code, lines, stderr };
}

const OK = {
  node: /^ok {6}node {13}v\d+\.\d+\.\d+$/,
  machine: /^ok {6}machine {10}\d+ processor cores, \d+ GiB memory$/,
  engine: /^ok {6}engine {11}native TensorFlow \d+\.\d+\.\d+ \(a 256 x 256 matmul took \d+\.\d ms\)$/,
  gpu: /^ok {6}gpu {14}TensorFlow (for the CPU|with CUDA)/,
  bfloat16: /^ok {6}bfloat16 {9}(here: `train\.precision` can be|this processor has neither)/,
  model: /^ok {6}sample model {5}models\/sample$/,
  database: /^ok {6}database {9}DATABASE_URL$/,
};

/** Every line, in order, matches its pattern or is its text. */
function assertLines(lines: string[], wanted: (RegExp | string)[]): void {
  for (const [i, want] of wanted.entries()) {
    if (typeof want === 'string') assert.equal(lines[i], want);
    else assert.match(lines[i] ?? '', want);
  }
  assert.equal(lines.length, wanted.length, lines.join('\n'));
}

test('all is there: one line each, exit code 0, and its database is stopped again', { skip }, async (t) => {
  const home = await reachableFolder();
  const made = [home];
  t.after(async () => {
    for (const folder of made) await rm(folder, { recursive: true, force: true });
  });
  const { code, lines, stderr } = await doctor({ DIPTYCH_HOME: home, DATABASE_URL: undefined });
  assert.equal(code, 0, `${lines.join('\n')}\n${stderr}`);
  const database = `ok      database         embedded PostgreSQL in ${home}`;
  assertLines(lines, [OK.node, OK.machine, OK.engine, OK.gpu, OK.bfloat16, OK.model, database, 'all well']);

  // In that folder is a migrated database, and no server that still runs.
  const ended = new Date();
  const later = await startEmbeddedPostgres(home);
  made.push(later.folder);
  try {
    assert.deepEqual(await execute(later.url, 'SELECT count(*)::int AS runs FROM run'), [{ runs: 0 }]);
    const [server] = await execute(later.url, 'SELECT pg_postmaster_start_time() AS started');
    assert.ok((server!.started as Date) > ended, 'the server was started after the doctor had ended');
  } finally {
    await later.stop();
  }
});

test('without native TensorFlow the line says why, what it costs and what to do; exit code 1', async (t) => {
  const home = await temporaryFolder(t);
  const { code, lines, stderr } = await doctor({ DIPTYCH_HOME: home, DATABASE_URL: url }, WITHOUT_NATIVE);
  assert.equal(code, 1, stderr);
  assertLines(lines, [
    OK.node,
    OK.machine,
    'MISSING native engine    the native package was taken away; WASM is used, about 5 times slower',
    /^ {8}-> (run `npm run setup`; it says why the build fails|install .* then run `npm run setup`)$/,
    OK.model,
    OK.database,
    'see the lines marked MISSING',
  ]);
  assert.equal(stderr, '');
});

test('the tools that a build of the native engine lacks are named', async (t) => {
  const home = await temporaryFolder(t);
  const empty = await temporaryFolder(t);
  const env = { DIPTYCH_HOME: home, DATABASE_URL: url, PATH: empty };
  const { code, lines } = await doctor(env, WITHOUT_NATIVE);
  assert.equal(code, 1);
  assert.equal(
    lines[3],
    '        -> install python3 and g++ (Debian: apt-get install python3-pip g++), then run `npm run setup`',
  );
});

test('a database that does not answer is named with the reason; exit code 1', { skip }, async (t) => {
  const port = await freePort();
  const { code, lines, stderr } = await doctor({
    DIPTYCH_HOME: await temporaryFolder(t),
    DATABASE_URL: `postgresql://nobody:nothing@127.0.0.1:${port}/none`,
  });
  assert.equal(code, 1, stderr);
  assertLines(lines, [
    OK.node,
    OK.machine,
    OK.engine,
    OK.gpu,
    OK.bfloat16,
    OK.model,
    new RegExp(`^MISSING database {9}.*127\\.0\\.0\\.1:${port}`),
    '        -> set DATABASE_URL, or mend what the line says',
    'see the lines marked MISSING',
  ]);
});

test('a card that lies idle is named with what to do', () => {
  for (const [facts, found, hint] of [
    [{ card: false, cuda: false, seen: false }, 'TensorFlow for the CPU; there is no NVIDIA GPU', /^$/],
    [{ card: true, cuda: true, seen: true }, 'TensorFlow with CUDA computes on the GPU', /^$/],
    [
      { card: true, cuda: false, seen: false },
      'TensorFlow for the CPU does not see the NVIDIA GPU',
      /npm run setup/,
    ],
    [
      { card: true, cuda: true, seen: false },
      'TensorFlow with CUDA does not see the NVIDIA GPU',
      /LOG_LEVEL=0/,
    ],
  ] as const) {
    const line = gpuLine(facts);
    assert.equal(line.found, found);
    assert.match(line.hint, hint);
  }
});

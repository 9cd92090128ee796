/** The files for containers: valid by the compose specification, and every command, variable and file in them exists. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { withoutPython } from '../python.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FILES = ['docker-compose.yml', 'docker-compose.gpu.yml'];
const read = (name: string) => readFileSync(path.join(ROOT, name), 'utf8');

interface Service {
  image: string;
  build?: string | { context: string; args?: Record<string, string> };
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: string[] | Record<string, unknown>;
  volumes?: string[];
  configs?: { source: string }[];
}
interface Compose {
  services: Record<string, Service>;
  volumes?: Record<string, unknown>;
  configs?: Record<string, unknown>;
}
const [base, gpu] = FILES.map((name) => parse(read(name), { merge: true }) as Compose) as [Compose, Compose];
const own = Object.entries(base.services).filter(([, { image }]) => image === 'diptych');

/** What a process reads from its environment, by its sources. */
const sources = globSync(['src/**/*.ts', 'workers/**/*.ts', 'setup/*.mjs'], { cwd: ROOT })
  .filter((name) => !name.includes('generated'))
  .map(read)
  .join('\n');

test('the schema of the compose specification accepts them', { skip: withoutPython }, async () => {
  const check = (file: string) =>
    promisify(execFile)(
      'python3',
      ['-m', 'check_jsonschema', '--builtin-schema', 'vendor.compose-spec', file],
      { cwd: ROOT, env: { PATH: process.env.PATH, PYTHONPATH: process.env.DIPTYCH_PYTHON_PATH } },
    );
  for (const file of FILES) await check(file);
  await assert.rejects(check('package.json'), { code: 1 });
});

test('each process is a command of this project, and all workers are there', () => {
  const commands = own.map(([name, { command }]) => [name, command!.join(' ')]);
  assert.deepEqual(commands, [
    ['api', 'api'],
    ['generate', 'worker generate'],
    ['score', 'worker score'],
    ['train', 'worker train'],
  ]);
  const entry = /^ENTRYPOINT (.*)$/m.exec(read('Dockerfile'))![1]!;
  const [node, ...scripts] = JSON.parse(entry) as string[];
  assert.equal(node, 'node');
  for (const script of scripts) assert.ok(existsSync(path.join(ROOT, script)), script);
  const main = scripts.at(-1)!;
  for (const [, command] of commands) {
    const { stderr, status } = spawnSync(
      process.execPath,
      [...process.execArgv, main, ...command!.split(' ')],
      {
        cwd: ROOT,
        env: { PATH: process.env.PATH, DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' },
        encoding: 'utf8',
      },
    );
    assert.deepEqual(
      [status, /can't connect to the database/.test(stderr)],
      [1, true],
      `${command}: ${stderr}`,
    );
  }
});

test('every variable that they set is read, and every one that they take is in the documentation', () => {
  const aws = /^AWS_(ENDPOINT_URL_S3|REGION|ACCESS_KEY_ID|SECRET_ACCESS_KEY)$/;
  for (const [name, { environment }] of own) {
    assert.ok(environment!.DATABASE_URL && environment!.DIPTYCH_BLOBS, name);
    for (const variable of Object.keys(environment!)) {
      assert.ok(aws.test(variable) || sources.includes(`process.env.${variable}`), `${name}: ${variable}`);
    }
  }
  for (const [, variable] of read('Dockerfile').matchAll(/^ENV (\w+)=/gm)) {
    assert.ok(sources.includes(`process.env.${variable}`), variable);
  }
  const page = read('docs/many-machines.md');
  const taken = new Set([...read(FILES[0]!).matchAll(/\$\{(\w+)/g)].map(([, variable]) => variable!));
  assert.deepEqual([...taken].sort(), [
    'GENERATE_WORKERS',
    'POSTGRES_PASSWORD',
    'S3_SECRET',
    'SCORE_WORKERS',
  ]);
  for (const variable of taken) assert.ok(page.includes(variable), variable);
});

test('services, volumes and build arguments that are named are there', () => {
  for (const [name, { depends_on = [], volumes = [], configs = [] }] of Object.entries(base.services)) {
    const needed = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
    for (const other of needed) assert.ok(base.services[other], `${name} needs ${other}`);
    for (const volume of volumes) assert.ok(volume.split(':')[0]! in base.volumes!, `${name}: ${volume}`);
    for (const { source } of configs) assert.ok(source in base.configs!, `${name}: ${source}`);
  }
  assert.deepEqual(Object.keys(gpu.services), ['train']);
  const { args } = gpu.services.train!.build as { args: Record<string, string> };
  for (const arg of Object.keys(args)) assert.match(read('Dockerfile'), new RegExp(`^ARG ${arg}=`, 'm'));
});

test('what git ignores does not get into the image', () => {
  const lines = (name: string) => read(name).split('\n').filter(Boolean);
  const ignored = lines('.dockerignore');
  for (const line of lines('.gitignore')) assert.ok(ignored.includes(line.replace(/\/$/, '')), line);
});

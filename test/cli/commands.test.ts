/** What all commands have in common: one table, help, JSON, exit codes; and what stands in docs/cli.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { IMPORT_KINDS, RUN_KINDS } from '../../pipelines/settings.ts';
import { T2I_CATEGORIES } from '../../src/annotations/benchmark.ts';
import { BENCHMARK_FORMATS } from '../../src/benchmarks/read.ts';
import { EXIT } from '../../src/cli/command.ts';
import { CHOICES, COMMANDS, findCommand } from '../../src/cli/commands.ts';
import { DOCS, withCliDocs } from '../../src/cli/docs.ts';
import { LAYOUT_NAMES } from '../../src/export/layouts/index.ts';
import { PRIORITIES, WORKERS } from '../../src/jobs/queue.ts';
import { SCOPES } from '../../src/store/api-keys.ts';
import { freePort } from '../../src/store/postgres.ts';
import { runNode } from '../engine/child.ts';
import { diptych } from './run-command.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/cli/main.ts');
const names = Object.keys(COMMANDS);

test('choices of the table are those of the code that they choose from', () => {
  assert.deepEqual(CHOICES.kinds, RUN_KINDS);
  assert.deepEqual(CHOICES.allKinds, [...RUN_KINDS, 'export', 'import']);
  assert.deepEqual(CHOICES.layouts, LAYOUT_NAMES);
  assert.deepEqual(CHOICES.imports, IMPORT_KINDS);
  assert.deepEqual(CHOICES.formats, ['laion-sg', ...BENCHMARK_FORMATS]);
  assert.deepEqual(CHOICES.categories, T2I_CATEGORIES);
  assert.deepEqual(CHOICES.scopes, SCOPES);
  assert.deepEqual(CHOICES.workers, WORKERS);
  assert.deepEqual(CHOICES.priorities, PRIORITIES);
});

test('every command is there to be loaded, and says what it takes', async () => {
  // These are the process itself: loading them starts it.
  for (const name of names) assert.equal(typeof (await COMMANDS[name]!.load()), 'function', name);
  for (const name of names) {
    const { code, stdout, stderr } = await diptych(...name.split(' '), '--help');
    assert.deepEqual([code, stderr], [0, ''], name);
    assert.ok(stdout.startsWith(`diptych ${name}`), stdout);
    for (const option of [...Object.keys(COMMANDS[name]!.options), 'json', 'help'])
      assert.match(stdout, new RegExp(`^  --${option}( |$)`, 'm'), `${name} --${option}`);
    assert.ok(stdout.includes(`--json prints ${COMMANDS[name]!.json}`));
  }
});

test('a wrong command line ends with 2, quotes what is wrong and says how it is used', async () => {
  const cases: [string[], RegExp][] = [
    [['watch'], /^RUN is missing\ndiptych watch RUN \[OPTIONS\]\n/],
    [['watch', 'a', 'b'], /^"b" is one argument too many\n/],
    [['watch', 'a', '--color'], /^Unknown option '--color'.*\n/],
    [['watch', 'a', '--url', 'nowhere'], /^--url is "nowhere", must be like http:/],
    [['export', 'a', '--layout', 'tiff', '--out', 'x'], /^--layout is "tiff", must be one of images, /],
    [['runs', '--status', 'ended'], /^--status is "ended", must be one of queued, running, /],
    [['runs', '--limit', '0', '--url', 'http://127.0.0.1:1'], /^--limit is "0", must be a whole number/],
    [['runs', 'start', 'bake'], /^KIND is "bake", must be one of curate, /],
    [['runs', 'start', '--with', 'steps'], /^--with is "steps", must be NAME=VALUE/],
    [['runs', 'start', '--settings', '[]'], /^--settings is "\[\]", neither JSON nor a file/],
    [['runs', 'start', '--settings', '{'], /^--settings is "\{": .*JSON/],
    [['worker', 'paint'], /^NAME is "paint", must be one of generate, score, train/],
  ];
  for (const [argv, message] of cases) {
    const { code, stdout, stderr } = await diptych(...argv);
    assert.deepEqual([code, stdout], [EXIT.usage, ''], argv.join(' '));
    assert.match(stderr, message);
    assert.match(stderr, /--help` says more\n$/);
    const asJson = await diptych(...argv, '--json');
    const { error } = JSON.parse(asJson.stderr);
    assert.deepEqual([asJson.code, asJson.stdout, error.code], [EXIT.usage, '', 'USAGE']);
    assert.match(`${error.message}\n`, new RegExp(message.source.split('\\n')[0]!));
  }
});

test('without a service that answers a command ends with 4, and says how one is started', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  for (const argv of [['runs'], ['sets'], ['runs', 'show', 'x'], ['votes', 'x']]) {
    const { code, stderr } = await diptych(...argv, '--url', url, '--json');
    assert.equal(code, EXIT.unreachable, stderr);
    const message = `no service answers at ${url}; \`npm start\` starts one`;
    assert.deepEqual(JSON.parse(stderr), { error: { code: 'NO_ANSWER', message } });
  }
});

test('a command of one or two words is found; what is none is not', () => {
  assert.deepEqual(findCommand(['runs', 'show', 'x']), { name: 'runs show', rest: ['x'] });
  assert.deepEqual(findCommand(['runs', '--json']), { name: 'runs', rest: ['--json'] });
  assert.equal(findCommand(['keys']), null);
  assert.equal(findCommand(['toString']), null);
  assert.equal(findCommand([]), null);
});

test('the process: commands are listed, one that is none ends with 2 and is told what there is', async () => {
  const listed = await runNode([MAIN, '--json']);
  assert.deepEqual(
    JSON.parse(listed.stdout).map(({ name }: { name: string }) => name),
    names,
  );
  const none = await runNode([MAIN, 'paint']);
  assert.deepEqual([none.code, none.stdout], [2, '']);
  assert.match(
    none.stderr,
    /^there is no command "paint"\ndiptych COMMAND, where COMMAND is one of\n {2}demo /,
  );
  const group = await runNode([MAIN, 'keys']);
  assert.equal(group.code, 2);
  assert.deepEqual(group.stderr.match(/^ {2}[a-z-]+ [a-z]+(?= )/gm), [
    '  keys create',
    '  keys list',
    '  keys revoke',
    '  keys rotate',
  ]);
});

test('docs/cli.md says what the table says', () => {
  const page = readFileSync(DOCS, 'utf8');
  assert.equal(page, withCliDocs(page), 'run `npm run cli-docs`');
});

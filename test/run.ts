/**
 * `npm test [-- NAME...]`: runs the test files whose path contains one of the names (all without a name)
 * with node:test, after installing the Python readers that some tests use, beside one PostgreSQL server
 * for those that need a database.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { ensurePython } from '../setup/python.ts';
import { startTestServer } from './database.ts';

const root = path.resolve(import.meta.dirname, '..');
const python = path.join(root, '.python');
const missing = ensurePython(python);
if (missing === null) process.env.DIPTYCH_PYTHON_PATH = python;
else console.error(`skipped: tests that read files in Python (${missing})`);

// What goes as it should is not told among the tests.
process.env.DIPTYCH_LOG_LEVEL ??= 'error';

const names = process.argv.slice(2);
const files = globSync('test/**/*.test.ts', { cwd: root })
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
  .sort()
  .map((file) => path.join(root, file));
if (files.length === 0) {
  console.error(`no test file matches ${names.join(', ')}`);
  process.exit(1);
}

const needServer = files.some((file) => readFileSync(file, 'utf8').includes('useDatabase()'));
const server = needServer ? await startTestServer() : undefined;
if (server) process.env.DIPTYCH_TEST_DATABASE = server.url;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server?.stop().finally(() => process.exit(1)));
}

const stream = run({ files, concurrency: 2, execArgv: ['--disable-warning=ExperimentalWarning'] });
stream.on('test:fail', () => {
  process.exitCode = 1;
});
try {
  for await (const text of stream.compose(spec)) process.stdout.write(text as string);
} finally {
  await server?.stop();
}

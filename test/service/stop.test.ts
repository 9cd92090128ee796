/** Ctrl-C in a terminal: the signal comes twice, from the terminal and through npm; all the same everything ends in order. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { startEmbeddedPostgres } from '../../src/store/postgres.ts';
import { reachableFolder } from '../database.ts';
import { until } from '../wait.ts';
import { isRunning, startedIn } from './processes.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/cli/main.ts');

test('a service that is interrupted twice ends its workers and its database', async (t) => {
  const home = await reachableFolder();
  t.after(() => rm(home, { recursive: true, force: true }));
  const service = spawn(process.execPath, [...process.execArgv, MAIN, 'start'], {
    env: { ...process.env, DIPTYCH_HOME: home, DATABASE_URL: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(service, 'exit');
  let said = '';
  for (const stream of [service.stdout, service.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  await until('the service listens', () => /Diptych listens on http/.test(said), 60);
  const pids = startedIn(said);
  assert.ok(pids.length >= 4);
  service.kill('SIGINT');
  await until('it has heard', () => said.includes('stopping'), 60);
  service.kill('SIGINT');
  assert.deepEqual(await exited, [0, null]);
  assert.deepEqual(pids.filter(isRunning), []);
  // PostgreSQL removes this file when it has shut down.
  assert.deepEqual(globSync('**/postmaster.pid', { cwd: home }), []);
  const again = await startEmbeddedPostgres(home);
  t.after(() => rm(again.folder, { recursive: true, force: true }));
  await again.stop();
});

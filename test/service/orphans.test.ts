/** When the service itself is killed, no worker goes on without it, and its database waits for the next start. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { startEmbeddedPostgres } from '../../src/store/postgres.ts';
import { execute, reachableFolder } from '../database.ts';
import { until } from '../wait.ts';
import { isRunning, startedIn } from './processes.ts';

const SERVICE = path.resolve(import.meta.dirname, '../../src/cli/service.ts');

test('a killed service leaves no process but its database', async (t) => {
  const home = await reachableFolder();
  const made = [home];
  t.after(async () => {
    for (const folder of made) await rm(folder, { recursive: true, force: true });
  });
  const program = `import { startService } from ${JSON.stringify(SERVICE)};
    await startService({ home: ${JSON.stringify(home)}, log: (line) => console.log(line) });`;
  const service = spawn(process.execPath, [...process.execArgv, '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(service, 'exit');
  let log = '';
  service.stdout.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  // The API is up by then; the workers are still on their way.
  await until('the last worker was started', () => /^train: started/m.test(log), 60);
  const pids = startedIn(log);
  assert.ok(pids.length >= 4 && pids.every(isRunning));
  service.kill('SIGKILL');
  await exited;
  await until('every child has ended', () => !pids.some(isRunning), 60);

  const database = await startEmbeddedPostgres(home);
  made.push(database.folder);
  assert.deepEqual(await execute(database.url, 'SELECT count(*)::int AS runs FROM run'), [{ runs: 0 }]);
  await database.stop();
});

/** A command's silence, on a clock that the test moves; and its guard. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { mock, test } from 'node:test';
import { type CommandOptions, runCommand } from '../../workers/train/command.ts';
import { markedProcesses } from '../../workers/train/marked.ts';
import { temporaryFolder } from '../temporary.ts';

const SILENT_MS = 60_000;
const options = (folder: string, script: string): CommandOptions => ({
  argv: [process.execPath, '-e', script],
  cwd: folder,
  environment: {},
  mark: { name: 'DIPTYCH_TEST_COMMAND', value: folder },
  beforeStart: async () => {},
  log: path.join(folder, 'log.txt'),
  onLine() {},
  signal: new AbortController().signal,
});
/** Says "begun", then a word for each that it finds in the file `say`, and does not end by itself. */
const SPEAKER = `
  const fs = require('node:fs');
  console.log('begun');
  let said = 0;
  setInterval(() => {
    const words = fs.existsSync('say') ? fs.readFileSync('say', 'utf8').split(' ').filter(Boolean) : [];
    for (; said < words.length; said++) console.log(words[said]);
  }, 5);`;

test('a silent command is killed after its time; what it prints starts the time anew', async (t) => {
  const folder = await temporaryFolder(t);
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const heard: string[] = [];
  let onWord = () => {};
  const word = (awaited: string) =>
    new Promise<void>((resolve) => {
      onWord = () => heard.at(-1) === awaited && resolve();
      onWord();
    });
  let hasEnded = false;
  const run = runCommand({
    ...options(folder, SPEAKER),
    onLine(line) {
      heard.push(line);
      onWord();
    },
    silentMs: SILENT_MS,
  });
  const ended = assert.rejects(
    run.finally(() => {
      hasEnded = true;
    }),
    {
      code: 'DIPTYCH_COMMAND_FAILED',
      message: `${process.execPath} printed nothing for 1 minutes; its last lines:\nbegun\nstill\nhere`,
    },
  );

  await word('begun');
  mock.timers.tick(SILENT_MS - 1);
  await writeFile(path.join(folder, 'say'), 'still here');
  await word('here');
  mock.timers.tick(SILENT_MS - 1);
  assert.equal(hasEnded, false);
  mock.timers.tick(1);
  await ended;
});

test('a guard is there as long as its command, so that it can end no later one of the same mark', async (t) => {
  const folder = await temporaryFolder(t);
  const script = `
    console.log('begun');
    setInterval(() => require('node:fs').existsSync('end') && process.exit(), 5);`;
  const command = options(folder, script);
  let beside: Promise<number[]> | undefined;
  await runCommand({
    ...command,
    onLine() {
      beside = markedProcesses(command.mark).finally(() => writeFile(path.join(folder, 'end'), ''));
    },
  });
  assert.equal((await beside!).length, 2);
  assert.deepEqual(await markedProcesses(command.mark), []);
});

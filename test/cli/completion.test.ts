/** Completion scripts in the shells themselves. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { CHOICES, COMMANDS } from '../../src/cli/commands.ts';
import { temporaryFolder } from '../temporary.ts';
import { diptych } from './run-command.ts';

const script = async (shell: string) => (await diptych('completion', shell)).stdout;
const without = (shell: string) =>
  spawnSync(shell, ['--version']).status === 0 ? false : `${shell} is not installed`;

const FIRST = [...new Set(Object.keys(COMMANDS).map((name) => name.split(' ')[0]!))].sort();
const EVERYWHERE = ['--json', '--help'];
const optionsOf = (name: string) =>
  [...Object.keys(COMMANDS[name]!.options).map((option) => `--${option}`), ...EVERYWHERE].sort();

/** A line as it stands, the cursor at its end, and what is offered. */
const CASES: [line: string, offered: string[]][] = [
  ['diptych ', FIRST],
  ['diptych wa', ['watch']],
  ['diptych runs ', ['cancel', 'failures', 'pause', 'priority', 'resume', 'retry', 'show', 'start']],
  ['diptych runs start ', [...CHOICES.kinds].sort()],
  ['diptych runs start --watch cur', ['curate', 'curate-then-train']],
  ['diptych runs start --with a=1 --from b ', [...CHOICES.kinds].sort()],
  ['diptych runs start curate ', []],
  ['diptych runs start curate --', optionsOf('runs start')],
  ['diptych runs --st', ['--status']],
  ['diptych export RUN --layout ', [...CHOICES.layouts].sort()],
  ['diptych export RUN --out data/i', ['data/images', 'data/index.json']],
  ['diptych completion ', ['bash', 'fish', 'zsh']],
  ['diptych keys ', ['create', 'list', 'revoke', 'rotate']],
];

async function files(t: import('node:test').TestContext): Promise<string> {
  const folder = await temporaryFolder(t);
  await mkdir(path.join(folder, 'data/images'), { recursive: true });
  await writeFile(path.join(folder, 'data/index.json'), '{}');
  return folder;
}

test('bash offers what fits, by the function that it is told to call', {
  skip: without('bash'),
}, async (t) => {
  const cwd = await files(t);
  const completion = path.join(cwd, 'completion');
  await writeFile(completion, await script('bash'));
  // As bash itself does on TAB: the words up to the cursor, and the function that `complete -p` names.
  const ask = `
    source "$1"; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    read -r _ _ function _ <<< "$(complete -p diptych)"
    [[ $function == _diptych ]] || exit 1
    "$function"
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  for (const [line, offered] of CASES) {
    const said = execFileSync('bash', ['-uc', ask, 'bash', completion, ...line.split(' ')], {
      ...{ cwd, encoding: 'utf8' },
    });
    assert.deepEqual(said.split('\n').filter(Boolean).sort(), offered, line);
  }
});

test('fish offers what fits', { skip: without('fish') }, async (t) => {
  const cwd = await files(t);
  const completion = path.join(cwd, 'completion.fish');
  await writeFile(completion, await script('fish'));
  for (const [line, offered] of CASES) {
    const asked = ['-c', `source completion.fish; complete -C ${JSON.stringify(line)}`];
    const said = execFileSync('fish', asked, {
      ...{ cwd, encoding: 'utf8' },
      env: { ...process.env, HOME: cwd, XDG_CONFIG_HOME: cwd },
    });
    const words = said.split('\n').map((entry) => entry.split('\t')[0]!.replace(/\/$/, ''));
    assert.deepEqual(words.filter(Boolean).sort(), offered, line);
  }
});

test('zsh takes the script, and knows by what the command is completed', {
  skip: without('zsh'),
}, async (t) => {
  const cwd = await files(t);
  const completion = path.join(cwd, '_diptych');
  await writeFile(completion, await script('zsh'));
  const env = { ...process.env, ZDOTDIR: cwd };
  execFileSync('zsh', ['-n', completion], { env });
  const ask = `
    autoload -Uz compinit && compinit -D -u -d ${cwd}/dump
    source ${completion}
    [[ $_comps[diptych] == _diptych ]] && print ready`;
  assert.equal(execFileSync('zsh', ['-fc', ask], { cwd, env, encoding: 'utf8' }).trim(), 'ready');
});

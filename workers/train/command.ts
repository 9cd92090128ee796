/**
 * A command as a child process that ends when it should, together with everything it started: in a process group and
 * an environment of its own, what it prints in a file and line by line.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { asError, DiptychError } from '../../src/errors.ts';
import { killMarked, type Mark, signalProcess } from './marked.ts';

export interface CommandOptions {
  argv: readonly string[];
  cwd: string;
  /** Beside the few variables that every program needs; the service's own, such as its credentials, stay here. */
  environment: Record<string, string>;
  /** By which it and what it starts are known. Whoever has it already is killed first. */
  mark: Mark;
  /** Called when nobody of an earlier start is left. */
  beforeStart(): Promise<void>;
  /** File to which all it prints is added. */
  log: string;
  /** Gets what is printed without its end of line; a progress bar's every state is a line. */
  onLine(line: string): void;
  /** Killed when it prints nothing for so long; absent: never. */
  silentMs?: number;
  signal: AbortSignal;
}

const PASSED_ON = ['PATH', 'HOME', 'USER', 'LANG', 'TMPDIR', 'LD_LIBRARY_PATH', 'CUDA_VISIBLE_DEVICES'];
/** Between asking it to end and killing it; less than the service gives its workers. */
const GRACE_MS = 5000;
/** Lines of its output that an error quotes; the last dozen may be the traceback of accelerate launch. */
const QUOTED_LINES = 30;

/** Resolves when the command has ended well. Throws the signal's reason, or DIPTYCH_COMMAND_FAILED. */
export async function runCommand(options: CommandOptions): Promise<void> {
  const { argv, cwd, mark, silentMs, signal } = options;
  await killMarked(mark);
  await options.beforeStart();
  signal.throwIfAborted();
  startGuard(mark);
  const [program, ...rest] = argv as [string, ...string[]];
  const child = spawn(program, rest, {
    cwd,
    env: environmentOf(options),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = endOf(child);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = () => void stopGroup(child, ended, mark);
  signal.addEventListener('abort', stop, { once: true });
  let silent = false;
  const onSilence = () => {
    silent = true;
    stop();
  };
  const silence = silentMs === undefined ? undefined : setTimeout(onSilence, silentMs);

  const log = createWriteStream(options.log, { flags: 'a' });
  const tail: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.pipe(log, { end: false });
    readLines(stream, (line, overwritten) => {
      silence?.refresh();
      if (!overwritten) tail.push(line);
      if (tail.length > QUOTED_LINES) tail.shift();
      options.onLine(line);
    });
  }
  const end = await ended;
  signal.removeEventListener('abort', stop);
  clearTimeout(silence);
  // What it left running holds its output open.
  await killMarked(mark);
  await closed;
  await new Promise<void>((resolve) => log.end(resolve));

  signal.throwIfAborted();
  const quoted = tail.length > 0 ? `; its last lines:\n${tail.join('\n')}` : ', and printed nothing';
  if (silent) throw failed(`${program} printed nothing for ${silentMs! / 60_000} minutes${quoted}`);
  if (end !== 'code 0') throw failed(`${program} ended with ${end}${quoted}`);
}

/**
 * In a process group of its own, so that what ends this one's does not end the guard. Without a guard, it is the next
 * attempt that ends what this one left.
 */
function startGuard({ name, value }: Mark): void {
  const guard = path.join(import.meta.dirname, 'guard.ts');
  spawn(process.execPath, [...process.execArgv, guard, name, value], {
    env: { [name]: value },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  }).on('error', () => {});
}

function environmentOf({ environment, mark }: CommandOptions): NodeJS.ProcessEnv {
  const passed = PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  // Python holds back what it prints into a pipe.
  return { ...Object.fromEntries(passed), PYTHONUNBUFFERED: '1', ...environment, [mark.name]: mark.value };
}

/** "code 0", a signal's name, or why it could not be started. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, name) => resolve(name ?? `code ${code}`));
    child.once('error', (thrown) => resolve(asError(thrown).message));
  });
}

/** Asks first: torch's launcher then ends its workers. */
async function stopGroup({ pid }: ChildProcess, ended: Promise<unknown>, mark: Mark): Promise<void> {
  if (pid === undefined) return;
  signalProcess(-pid, 'SIGTERM');
  const impatience = setTimeout(() => {
    signalProcess(-pid, 'SIGKILL');
    void killMarked(mark);
  }, GRACE_MS);
  await ended;
  clearTimeout(impatience);
}

/** Lines end in LF, CR LF, or the CR with which a progress bar overwrites itself. */
function readLines(stream: Readable, onLine: (line: string, overwritten: boolean) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    rest += text;
    for (const [whole, line, end] of rest.matchAll(/([^\r\n]*)(\r\n|\n|\r(?!$))/g)) {
      if (line !== '') onLine(line!, end === '\r');
      rest = rest.slice(whole.length);
    }
  });
  stream.on('end', () => rest !== '' && onLine(rest, false));
}

const failed = (message: string) => new DiptychError('DIPTYCH_COMMAND_FAILED', message);

/** Processes of their own for what is decided once per process. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export const WITHOUT_NATIVE = path.join(import.meta.dirname, 'without-native.ts');
export const UNLOADABLE_BINDING = path.join(import.meta.dirname, 'unloadable-binding.ts');

/** Runs node with the flags of this process; an undefined variable is taken out of the environment. */
export async function runNode(
  args: string[],
  { env = {}, preload }: { env?: Record<string, string | undefined>; preload?: string } = {},
): Promise<Ended> {
  const flags = preload ? ['--import', pathToFileURL(preload).href] : [];
  const child = spawn(process.execPath, [...process.execArgv, ...flags, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}

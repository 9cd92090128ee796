/**
 * A process beside a command: kills the command when whoever started both is gone, however that ended. Its input is a
 * pipe from there, which the system closes. It has the command's mark itself, so that it ends with what has it.
 *
 *   node guard.ts MARK-NAME MARK-VALUE
 */
import { once } from 'node:events';
import { killMarked } from './marked.ts';

const [name, value] = process.argv.slice(2) as [string, string];
await once(process.stdin.resume(), 'close');
await killMarked({ name, value });

/**
 * What operators may want to know: lines of JSON on stderr, with the ids of what they speak of (`run`, `task`,
 * `attempt`, `request`). DIPTYCH_LOG_LEVEL (info) chooses how many. No line holds a secret.
 */
import path from 'node:path';
import pino from 'pino';
import { withoutSecrets } from './secrets.ts';

export const log = pino(
  {
    level: process.env.DIPTYCH_LOG_LEVEL || 'info',
    base: { process: processName(process.argv), pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    hooks: { streamWrite: (line) => withoutSecrets(line) },
  },
  // At once: a process that is killed has said all it knew.
  pino.destination({ dest: 2, sync: true }),
);

/** That of the script, and of the command line the command's: `diptych worker score` is score, `diptych api` api. */
function processName([, script = '', ...words]: readonly string[]): string {
  const name = path.basename(script, '.ts');
  const command = words[0] === 'worker' ? words[1] : words[0];
  return name === 'main' ? (command ?? name) : name;
}

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
    base: { process: path.basename(process.argv[1] ?? '', '.ts'), pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    hooks: { streamWrite: (line) => withoutSecrets(line) },
  },
  // At once: a process that is killed has said all it knew.
  pino.destination({ dest: 2, sync: true }),
);

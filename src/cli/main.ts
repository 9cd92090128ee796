/** `npm run diptych -- COMMAND`. */
import { api, worker } from './alone.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { estimate } from './estimate.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { ingestCommand } from './ingest.ts';
import { keys } from './keys.ts';
import { models } from './models.ts';
import { qualityCommand } from './quality.ts';
import { queryCommand } from './query.ts';
import { start } from './start.ts';
import { trainGraphEncoder } from './train-graph-encoder.ts';
import { votes } from './votes.ts';

const COMMANDS: Record<string, { run(args: readonly string[]): Promise<number>; about: string }> = {
  demo: { run: demo, about: 'the whole loop on the shipped sample world, with a table at the end' },
  start: { run: start, about: 'serve the store in .diptych (or DIPTYCH_HOME) until Ctrl-C' },
  api: { run: api, about: 'the API alone, on the database in DATABASE_URL (docs/many-machines.md)' },
  worker: { run: worker, about: 'worker NAME: one worker alone: generate, score or train' },
  'train-graph-encoder': {
    run: trainGraphEncoder,
    about: 'a scene-graph encoder for a model folder, from annotations and their images',
  },
  estimate: {
    run: estimate,
    about: 'estimate KIND --annotations N [--settings FILE]: time, memory and disk of a run, before it',
  },
  ingest: {
    run: ingestCommand,
    about:
      "ingest FILE --set NAME [--format dpg-bench|t2i-compbench]: annotations or a benchmark's prompts, to a running service",
  },
  export: {
    run: exportCommand,
    about:
      'export RUN --layout LAYOUT --out FOLDER: a scored run as files for other tools, from a running service',
  },
  quality: {
    run: qualityCommand,
    about:
      'quality RUN: repeats, distributions, margins, agreement and coverage of a scored run, before an export',
  },
  query: {
    run: queryCommand,
    about:
      'query SQL FILES | --run RUN | --export EXPORT: DuckDB over exports, or over the scores and pairs of a run',
  },
  votes: { run: votes, about: 'votes RUN: what people voted on a run, and how far they agree' },
  import: {
    run: importCommand,
    about:
      'import FILE|FOLDER --as KIND --set SET: images made elsewhere, with labels or scores, into a running service',
  },
  models: {
    run: models,
    about: 'models check FOLDER [--case CASE]: what a model folder is, whether its files fit and agree',
  },
  keys: {
    run: keys,
    about: 'keys create NAME [--scope read|write|admin] | list | revoke ID | rotate ID: who may use the API',
  },
  doctor: { run: doctor, about: 'what was found on this machine, and how to get what is missing' },
};

const name = process.argv[2] ?? '';
const command = COMMANDS[name];
if (command) process.exit(await command.run(process.argv.slice(3)));

if (name) console.error(`there is no command "${name}"`);
console.error('npm run diptych -- COMMAND, where COMMAND is one of');
for (const [known, { about }] of Object.entries(COMMANDS)) console.error(`  ${known.padEnd(19)} ${about}`);
process.exit(name ? 1 : 0);

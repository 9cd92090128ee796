/** Every command by its name. A file each has what it does; here is what it takes and answers. */
import { type Argument, type Command, command, SERVICE } from './command.ts';

/** Literal, so that help and completion come without loading what they name; a test holds them to their sources. */
export const CHOICES = {
  kinds: ['curate', 'train', 'curate-then-train', 'evaluate'],
  allKinds: ['curate', 'train', 'curate-then-train', 'evaluate', 'export', 'import'],
  statuses: ['queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled'],
  priorities: ['low', 'normal', 'high'],
  layouts: [
    ...[
      'images',
      'pickapic',
      'binarized',
      'image-reward',
      'hpdv3',
      'folders',
      'webdataset',
      'scores',
      'arrow',
    ],
    'quality',
  ],
  imports: ['pickapic', 'diptych', 'images'],
  formats: ['laion-sg', 'dpg-bench', 't2i-compbench'],
  categories: ['color', 'shape', 'texture', 'spatial', '3d_spatial', 'numeracy', 'non_spatial', 'complex'],
  scopes: ['read', 'write', 'admin'],
  workers: ['generate', 'score', 'train'],
  shells: ['bash', 'zsh', 'fish'],
} as const;

const RUN: Argument = { name: 'RUN', about: 'id of the run' };
const KEY: Argument = { name: 'ID', about: 'id of the key, as `keys list` has it' };
const SETTINGS = { value: 'JSON', isPath: true } as const;
const OPTIONS = {
  ...SETTINGS,
  about: 'reward, pairs, scores, filters, writer as in POST /v1/runs/RUN/exports; a file or the text itself',
} as const;
const THE_RUN = 'the run, as GET /v1/runs/RUN answers';

export const COMMANDS: Record<string, Command> = {
  demo: command({
    about: 'the whole loop on the shipped sample world, with a table at the end',
    json: 'what .diptych/demo/summary.json holds',
    load: async () => (await import('./demo.ts')).demo,
  }),
  start: command({
    about: 'serve the store in .diptych (or DIPTYCH_HOME) until Ctrl-C',
    json: '{ url } once it listens',
    load: async () => (await import('./start.ts')).start,
  }),
  ingest: command({
    about: "send annotations, or a benchmark's prompts, to a service",
    args: [
      {
        name: 'FILE',
        about: 'a JSON array or NDJSON, gzip or not; of a benchmark as it was published',
        isPath: true,
      },
    ],
    options: {
      set: { value: 'NAME', required: true, about: 'annotation set that they go to; made where it is new' },
      format: { value: 'FORMAT', choices: CHOICES.formats, default: 'laion-sg', about: 'what the file is' },
      category: { value: 'CATEGORY', choices: CHOICES.categories, about: 'of a file of T2I-CompBench' },
      ...SERVICE,
    },
    json: 'the counts and rejections that POST /v1/annotation-sets/NAME/annotations answers',
    load: async () => (await import('./ingest.ts')).ingest,
  }),
  sets: command({
    about: 'the annotation sets and how many annotations each holds',
    options: SERVICE,
    json: 'an array of { name, count, createdAt }, as GET /v1/annotation-sets lists them',
    load: async () => (await import('./sets.ts')).sets,
  }),
  runs: command({
    about: 'the newest runs: status, progress, annotation set',
    options: {
      status: { value: 'STATUS', choices: CHOICES.statuses, about: 'only those' },
      kind: { value: 'KIND', choices: CHOICES.allKinds, about: 'only those' },
      set: { value: 'NAME', about: 'only those of this annotation set' },
      limit: { value: 'N', default: '20', about: 'the most that are listed' },
      ...SERVICE,
    },
    json: 'an array of runs, as GET /v1/runs lists them',
    load: async () => (await import('./runs.ts')).listed,
  }),
  'runs show': command({
    about: 'one run: stages, times, what failed and why, settings',
    args: [RUN],
    options: SERVICE,
    json: THE_RUN,
    load: async () => (await import('./runs.ts')).shown,
  }),
  'runs start': command({
    about: 'ask for a run; every setting has a default',
    args: [{ name: 'KIND', about: 'without it curate-then-train', choices: CHOICES.kinds, optional: true }],
    options: {
      set: { value: 'NAME', about: 'annotation set; can be left out where there is one' },
      from: {
        value: 'RUN',
        about: 'settings.sourceRun: the run whose candidates are trained on, or whose model is evaluated',
      },
      settings: { ...SETTINGS, about: 'settings as in POST /v1/runs; a file or the text itself' },
      with: {
        value: 'NAME=VALUE',
        multiple: true,
        about: 'one setting, over those of --settings: train.steps=200; several times for several',
      },
      watch: { about: 'follow it, and end as `watch` does' },
      ...SERVICE,
    },
    json: `${THE_RUN}; with --watch its events follow, as \`watch\` prints them`,
    load: async () => (await import('./runs.ts')).started,
  }),
  'runs cancel': command({
    about: 'stop a run; what it has made stays',
    args: [RUN],
    options: SERVICE,
    json: THE_RUN,
    load: async () => (await import('./runs.ts')).cancelled,
  }),
  'runs retry': command({
    about: 'try what failed in a failed run again',
    args: [RUN],
    options: SERVICE,
    json: THE_RUN,
    load: async () => (await import('./runs.ts')).retried,
  }),
  'runs pause': command({
    about: 'keep the tasks of a run from the workers; a training leaves a checkpoint of its step',
    args: [RUN],
    options: SERVICE,
    json: THE_RUN,
    load: async () => (await import('./runs.ts')).paused,
  }),
  'runs resume': command({
    about: 'let a paused run go on where it was',
    args: [RUN],
    options: SERVICE,
    json: THE_RUN,
    load: async () => (await import('./runs.ts')).resumed,
  }),
  'runs priority': command({
    about: 'let the tasks of a run go before or behind those of others',
    args: [RUN, { name: 'PRIORITY', about: 'normal where nothing was said', choices: CHOICES.priorities }],
    options: SERVICE,
    json: THE_RUN,
    load: async () => (await import('./runs.ts')).prioritised,
  }),
  'runs failures': command({
    about: 'what failed alone in a run, by reason',
    args: [RUN],
    options: SERVICE,
    json: 'an array of failures, as GET /v1/runs/RUN/failures lists them',
    load: async () => (await import('./runs.ts')).failed,
  }),
  workers: command({
    about: 'the worker processes of all machines and what they are at',
    options: SERVICE,
    json: 'an array of workers, as GET /v1/workers lists them',
    load: async () => (await import('./workers.ts')).workers,
  }),
  'dead-letters': command({
    about: 'what was given up in any run, and why',
    options: SERVICE,
    json: 'an array, as GET /v1/dead-letters lists them',
    load: async () => (await import('./dead-letters.ts')).listed,
  }),
  'dead-letters retry': command({
    about: 'try one of them again',
    args: [{ name: 'ID', about: 'as `dead-letters` has it' }],
    options: SERVICE,
    json: '{ id } of what is tried again',
    load: async () => (await import('./dead-letters.ts')).retried,
  }),
  watch: command({
    about: 'follow a run to its end: bars, rates, end time, log; through restarts of the service',
    args: [RUN],
    options: SERVICE,
    json: 'a line for each event (NDJSON): { id, type, at, … } as GET /v1/runs/RUN/events has them',
    load: async () => (await import('./watch.ts')).watch,
  }),
  votes: command({
    about: 'what people voted on a run, and how far they agree',
    args: [RUN],
    options: SERVICE,
    json: 'what GET /v1/runs/RUN/votes/summary answers',
    load: async () => (await import('./votes.ts')).votes,
  }),
  quality: command({
    about: 'repeats, distributions, margins, agreement and coverage of a scored run, before an export',
    args: [RUN],
    options: { options: OPTIONS, ...SERVICE },
    json: 'what GET /v1/runs/RUN/quality answers',
    load: async () => (await import('./quality.ts')).quality,
  }),
  export: command({
    about: 'a scored run as files for other tools; every file is checked by its sha256',
    args: [RUN],
    options: {
      layout: { value: 'LAYOUT', required: true, choices: CHOICES.layouts, about: 'what is written' },
      out: {
        value: 'FOLDER',
        required: true,
        isPath: true,
        about: 'where it is put; what is there already is not fetched again',
      },
      options: OPTIONS,
      version: { value: 'VERSION', about: 'dataset version that must come out' },
      ...SERVICE,
    },
    json: '{ id, version, layout, folder, files, bytes, there }; `there` of the files were in the folder before',
    load: async () => (await import('./export.ts')).exportRun,
  }),
  query: command({
    about: "DuckDB over exports, or over a run's scores, rewards and pairs",
    args: [
      {
        name: 'SQL',
        about: 'over a table for each layout of an export, with "_" for "-", or for each file, by its name',
      },
      { name: 'FILES', about: 'folders of exports; Parquet, JSON or CSV files', isPath: true, many: true },
    ],
    options: {
      run: { value: 'RUN', about: 'tables: scores, rewards, pairs, under its own policy' },
      export: { value: 'EXPORT', about: 'its files are fetched for the query' },
      csv: { about: 'print CSV' },
      ...SERVICE,
    },
    json: 'an array of rows, an object a line',
    load: async () => (await import('./query.ts')).query,
  }),
  import: command({
    about: 'images made elsewhere, with labels or scores, into a service (docs/imports.md)',
    args: [{ name: 'SOURCE', about: 'a file or folder', isPath: true }],
    options: {
      as: { value: 'KIND', required: true, choices: CHOICES.imports, about: 'what it is' },
      set: {
        value: 'NAME',
        required: true,
        about: 'annotation set that it goes to; of images the one that has their annotations',
      },
      score: { about: 'score the images as a curation does' },
      settings: {
        ...SETTINGS,
        about: 'clip, pick, scoring, reward, pairs as in POST /v1/imports; a file or the text itself',
      },
      upload: { about: 'send the files, also to a service on this machine' },
      ...SERVICE,
    },
    json: THE_RUN,
    load: async () => (await import('./import.ts')).importFiles,
  }),
  estimate: command({
    about: 'time, memory and disk of a run, before it is asked for',
    args: [{ name: 'KIND', about: 'of run', choices: CHOICES.kinds }],
    options: {
      annotations: { value: 'N', required: true, about: 'how many there will be' },
      settings: { ...SETTINGS, about: 'settings as in POST /v1/runs; a file or the text itself' },
    },
    json: '{ kind, annotations, images, work: [{ name, flops }], memory, disk, flopsPerSecond }, in bytes',
    load: async () => (await import('./estimate.ts')).estimate,
  }),
  'models check': command({
    about: 'what a model folder is, whether its files fit and agree',
    args: [{ name: 'FOLDER', about: 'in diffusers or transformers layout', isPath: true }],
    options: {
      case: { value: 'CASE', isPath: true, about: 'recorded outputs that it must give (docs/models.md)' },
    },
    json: '{ class, fits, parts: [{ name, class, files, parameters, missing, misfits, surplus }], unread, memory, agreement }',
    load: async () => (await import('./models.ts')).checkModel,
  }),
  'train-graph-encoder': command({
    about: 'a scene-graph encoder for a model folder, from annotations and their images',
    options: {
      model: {
        value: 'FOLDER',
        required: true,
        isPath: true,
        about: 'a model that takes triples (docs/models.md)',
      },
      annotations: { value: 'FILE', required: true, isPath: true, about: 'LAION-SG, JSON array or NDJSON' },
      images: { value: 'FOLDER', required: true, isPath: true, about: 'the images, named by img_id' },
      out: { value: 'FOLDER', required: true, isPath: true, about: 'checkpoints, curves and the model' },
      steps: { value: 'N', about: 'optimizer steps' },
      batch: { value: 'N', about: 'images a step' },
      'learning-rate': { value: 'X', about: 'of AdamW' },
      seed: { value: 'N', about: 'decides every random choice' },
    },
    json: '{ model, images, leftOut }: folder of the model, images learned from, names left out with the reason',
    load: async () => (await import('./train-graph-encoder.ts')).trainGraphEncoder,
  }),
  'keys create': command({
    about: 'a key to the API, shown once; works on the database itself',
    args: [{ name: 'NAME', about: 'whose it is' }],
    options: { scope: { value: 'SCOPE', choices: CHOICES.scopes, default: 'read', about: 'what it may do' } },
    json: '{ id, key }',
    load: async () => (await import('./keys.ts')).created,
  }),
  'keys list': command({
    about: 'names, scopes and last use of the keys',
    json: 'an array of { id, name, scope, createdAt, endsAt, lastUsedAt }',
    load: async () => (await import('./keys.ts')).listed,
  }),
  'keys revoke': command({
    about: 'ends a key and its sessions at once',
    args: [KEY],
    json: '{ id }',
    load: async () => (await import('./keys.ts')).revoked,
  }),
  'keys rotate': command({
    about: 'a new key of the same name and scope; the old one ends a day later',
    args: [KEY],
    json: '{ id, key } of the new one',
    load: async () => (await import('./keys.ts')).rotated,
  }),
  doctor: command({
    about: 'what was found on this machine, and how to get what is missing',
    json: '{ healthy, checks: [{ good, what, found, hint }] }',
    load: async () => (await import('./doctor.ts')).doctor,
  }),
  api: command({
    about: 'the API alone, on the database in DATABASE_URL (docs/many-machines.md)',
    json: 'nothing: its log on stderr is JSON',
    load: async () => (await import('./alone.ts')).api,
  }),
  worker: command({
    about: 'one worker alone (docs/many-machines.md)',
    args: [{ name: 'NAME', about: 'of the worker', choices: CHOICES.workers }],
    json: 'nothing: its log on stderr is JSON',
    load: async () => (await import('./alone.ts')).worker,
  }),
  completion: command({
    about: 'what a shell completes the command by: source <(diptych completion bash)',
    args: [{ name: 'SHELL', about: 'the shell', choices: CHOICES.shells }],
    json: '{ shell, script }',
    load: async () => (await import('./completion.ts')).completion(COMMANDS),
  }),
};

/** The command that a line begins with, of one or two words, and what follows it. */
export function findCommand(argv: readonly string[]): { name: string; rest: readonly string[] } | null {
  for (const words of [2, 1]) {
    const name = argv.slice(0, words).join(' ');
    if (argv.length >= words && Object.hasOwn(COMMANDS, name)) return { name, rest: argv.slice(words) };
  }
  return null;
}

/**
 * Commands that can train in the place of the built-in trainer. A run names one; what it stands for is in a file of
 * the server's owner, so that no request decides what is executed (docs/external-trainers.md).
 */
import { readFile } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import { Default, Errors } from 'typebox/value';
import { asError, DiptychError } from '../src/errors.ts';

/** What stands in an argument in braces, and is put in its place: "{steps}". */
export const PLACEHOLDERS = [
  'dataset',
  'model',
  'output',
  'steps',
  'checkpointEvery',
  'beta',
  'learningRate',
  'warmUp',
  'seed',
] as const;
export type Placeholder = (typeof PLACEHOLDERS)[number];

/** tqdm's bar in the scripts of Diffusion-DPO, Inversion-DPO and diffusers: "Steps:   6%|6   | 123/2000 [...". */
const TQDM_STEPS = 'Steps:.*?(\\d+)/(\\d+)';

const TrainerCommand = Type.Object(
  {
    argv: Type.Array(Type.String(), {
      minItems: 1,
      description: 'Program and arguments; no shell reads them',
    }),
    environment: Type.Record(Type.String(), Type.String(), { default: {} }),
    progress: Type.String({ default: TQDM_STEPS, description: 'Its groups: steps done, and of how many' }),
    checkpointMark: Type.Optional(
      Type.String({ minLength: 1, description: 'The file that a checkpoint-N has once it is whole' }),
    ),
    silentMinutes: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: 'Killed when nothing is printed for so long' }),
    ),
  },
  { additionalProperties: false },
);
export type TrainerCommand = Static<typeof TrainerCommand>;

/** The command of that name. Throws DIPTYCH_INVALID_INPUT when there is none, or the file is wrong anywhere. */
export async function readTrainer(file: string, name: string): Promise<TrainerCommand> {
  const trainers = new Map(
    Object.entries(await readObject(file)).map(([key, entry]) => [key, checked(`${file}: ${key}`, entry)]),
  );
  const found = trainers.get(name);
  if (found) return found;
  const known = [...trainers.keys()].join(', ') || 'none';
  throw bad(`settings.train.external is "${name}"; known are ${known} (${file}, docs/external-trainers.md)`);
}

/** No file is no trainers. */
async function readObject(file: string): Promise<object> {
  const text = await readFile(file, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return '{}';
    throw bad(`can't read ${file}: ${thrown.message}`);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    throw bad(`${file} is not JSON: ${asError(thrown).message}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw bad(`${file} is not a JSON object of trainers by name`);
  return json;
}

function checked(where: string, entry: unknown): TrainerCommand {
  const trainer = Default(TrainerCommand, entry);
  const [error] = Errors(TrainerCommand, trainer);
  if (error) {
    const said = error.keyword === 'boolean' ? 'is not a known property' : error.message;
    throw bad(`${where}${error.instancePath.replaceAll('/', '.')} ${said}`);
  }
  const { argv, progress } = trainer as TrainerCommand;
  for (const [, name] of argv.join(' ').matchAll(BRACES)) {
    if (!(PLACEHOLDERS as readonly string[]).includes(name!))
      throw bad(`${where}.argv has "{${name}}"; known are ${PLACEHOLDERS.map((p) => `{${p}}`).join(', ')}`);
  }
  if (groupsOf(where, progress) !== 2)
    throw bad(`${where}.progress is ${JSON.stringify(progress)}; it has two groups, such as (\\d+)/(\\d+)`);
  return trainer as TrainerCommand;
}

/** An empty alternative matches, and its match tells the groups. */
function groupsOf(where: string, pattern: string): number {
  try {
    return new RegExp(`${pattern}|`).exec('')!.length - 1;
  } catch (thrown) {
    throw bad(`${where}.progress: ${asError(thrown).message}`);
  }
}

const BRACES = /\{(\w+)\}/g;

/** Program and arguments with everything put in its place. */
export function filledIn(argv: readonly string[], values: Record<Placeholder, string | number>): string[] {
  return argv.map((argument) =>
    argument.replace(BRACES, (_, name: string) => String(values[name as Placeholder])),
  );
}

const bad = (message: string) => new DiptychError('DIPTYCH_INVALID_INPUT', message);

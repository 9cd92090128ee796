/**
 * What a command is. One table of them (commands.ts) is what is parsed by, and what help, completion and docs/cli.md
 * are made of.
 */
import { parseArgs } from 'node:util';
import { ApiError, type Client, openClient } from '../../clients/typescript/client.ts';
import { asError, DiptychError } from '../errors.ts';
import type { Output } from './output.ts';

/** How a command ends; docs/cli.md has the same table. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  cancelled: 5,
  /** By Ctrl-C, as shells count signals. */
  stopped: 130,
} as const;

export const EXIT_CODES: Record<keyof typeof EXIT, string> = {
  done: 'all went well; of `watch`: the run has succeeded',
  failed:
    'it ended badly: a run failed, a record was rejected, something is missing or does not fit, a file is broken',
  usage: 'the command line is wrong',
  refused: 'the service refused it: not there, not allowed, in conflict; the error has its code',
  unreachable: 'no service answers',
  cancelled: 'the run was cancelled',
  stopped: 'stopped with Ctrl-C; what a service does goes on there',
};

export interface Argument {
  name: string;
  about: string;
  choices?: readonly string[];
  /** Completed as a path. */
  isPath?: boolean;
  optional?: boolean;
  /** The last one: any number of them. */
  many?: boolean;
}

export interface Option {
  about: string;
  /** What its value is called; without one the option is a flag. */
  value?: string;
  choices?: readonly string[];
  isPath?: boolean;
  required?: boolean;
  default?: string;
  /** Can be given several times. */
  multiple?: boolean;
}
export type Options = Record<string, Option>;

type Value<O extends Option> = O['value'] extends string
  ? O['multiple'] extends true
    ? string[]
    : O['required'] extends true
      ? string
      : O['default'] extends string
        ? string
        : string | undefined
  : boolean;
export type Values<O extends Options> = { [Name in keyof O]: Value<O[Name]> };

/** What a command was asked for. */
export interface Asked<V = unknown> {
  args: string[];
  values: V;
  out: Output;
}

/** Resolves with the exit code. */
export type Run<V> = (asked: Asked<V>) => Promise<number>;

export interface Command {
  about: string;
  args: readonly Argument[];
  options: Options;
  /** What --json prints. */
  json: string;
  /** Fetched when it is asked for: help and completion need no TensorFlow. */
  load(): Promise<Run<never>>;
}

interface Spec<O extends Options> {
  about: string;
  args?: readonly Argument[];
  options?: O;
  json: string;
  load(): Promise<Run<Values<O>>>;
}

export const command = <const O extends Options>({ args = [], options, ...rest }: Spec<O>): Command => ({
  ...rest,
  args,
  options: { ...options },
});

/** What every command takes. */
export const EVERYWHERE: Options = {
  json: { about: 'print JSON, also errors (on stderr, as the API has them)' },
  help: { about: 'say how it is used' },
};

/** What every command takes that asks a service. */
export const SERVICE = {
  url: { value: 'URL', about: 'of the service, as `npm start` prints it; without it DIPTYCH_URL' },
  key: {
    value: 'KEY',
    about: 'for a service that asks for one; better in DIPTYCH_API_KEY, which `ps` does not show',
  },
} as const satisfies Options;
export type ServiceValues = Values<typeof SERVICE>;

/** The client of the service that is meant. Throws UsageError where none is named. */
export function serviceOf({
  url = process.env.DIPTYCH_URL,
  key = process.env.DIPTYCH_API_KEY,
}: ServiceValues): Client {
  if (!url) throw new UsageError('--url is missing: the address that `npm start` prints, or DIPTYCH_URL');
  if (!URL.canParse(url)) throw new UsageError(`--url is "${url}", must be like http://127.0.0.1:8080`);
  return openClient(url, { key });
}

/** The command line is wrong. */
export class UsageError extends Error {
  readonly code = 'USAGE';
}

/** The command line against the table. Throws UsageError that quotes what is wrong. */
export function parseCommand(
  { args, options }: Command,
  argv: readonly string[],
): { args: string[]; values: Record<string, unknown> } {
  const entries = Object.entries({ ...options, ...EVERYWHERE });
  const known = entries.map(([name, { value, multiple = false, default: otherwise }]) => [
    name,
    {
      type: value === undefined ? ('boolean' as const) : ('string' as const),
      multiple,
      ...(value === undefined && { default: false }),
      ...(multiple && { default: [] }),
      ...(otherwise !== undefined && { default: otherwise }),
    },
  ]);
  const { values, positionals } = parsed(argv, Object.fromEntries(known));
  for (const [name, { required, choices, value }] of entries) {
    const given = values[name];
    if (required && given === undefined) throw new UsageError(`--${name} is missing`);
    if (value !== undefined && choices && given !== undefined) check(`--${name}`, given as string, choices);
  }
  for (const [i, { name, choices, optional, many }] of args.entries()) {
    const given = positionals[i];
    if (given === undefined && !optional && !many) throw new UsageError(`${name} is missing`);
    if (given !== undefined && choices) check(name, given, choices);
  }
  const surplus = args.at(-1)?.many ? undefined : positionals[args.length];
  if (surplus !== undefined) throw new UsageError(`"${surplus}" is one argument too many`);
  return { args: positionals, values };
}

function parsed(argv: readonly string[], options: NonNullable<Parameters<typeof parseArgs>[0]>['options']) {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options });
    return { values: values as Record<string, unknown>, positionals };
  } catch (thrown) {
    throw new UsageError(asError(thrown).message);
  }
}

function check(what: string, given: string, choices: readonly string[]): void {
  if (choices.includes(given)) return;
  throw new UsageError(`${what} is "${given}", must be one of ${choices.join(', ')}`);
}

/** How a command is called. */
export function usageOf(name: string, { args, options }: Command): string {
  const positional = args.map(({ name, optional, many }) => {
    const shown = many ? `${name}...` : name;
    return optional || many ? `[${shown}]` : shown;
  });
  const must = Object.entries(options).filter(([, { required }]) => required);
  const isMore = must.length < Object.keys(options).length;
  return [
    `diptych ${name}`,
    ...positional,
    ...must.map(([name, { value }]) => `--${name} ${value}`),
    ...(isMore ? ['[OPTIONS]'] : []),
  ].join(' ');
}

/** Left and right column of all that it takes. */
export function takenBy({ args, options }: Command): [string, string][] {
  const about = (text: string, choices: readonly string[] | undefined, otherwise?: string) =>
    [text, ...(choices ? [choices.join(', ')] : []), ...(otherwise ? [`without it ${otherwise}`] : [])].join(
      '; ',
    );
  return [
    ...args.map((one): [string, string] => [one.name, about(one.about, one.choices)]),
    ...Object.entries({ ...options, ...EVERYWHERE }).map(([name, one]): [string, string] => [
      `--${name}${one.value ? ` ${one.value}` : ''}`,
      about(one.about, one.choices, one.default),
    ]),
  ];
}

export function helpOf(name: string, command: Command): string {
  const rows = takenBy(command);
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    usageOf(name, command),
    '',
    `  ${command.about}`,
    '',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    '',
    `  --json prints ${command.json}`,
  ].join('\n');
}

/** Parses, runs, and says what went wrong; resolves with the exit code. */
export async function runCommand(
  name: string,
  command: Command,
  argv: readonly string[],
  out: Output,
): Promise<number> {
  try {
    if (argv.includes('--help')) {
      out.result({ usage: usageOf(name, command), ...command }, helpOf(name, command));
      return EXIT.done;
    }
    const run = (await command.load()) as Run<unknown>;
    return await run({ ...parseCommand(command, argv), out });
  } catch (thrown) {
    const error = asError(thrown);
    const usage = `\n${usageOf(name, command)}\n\`diptych ${name} --help\` says more`;
    out.error(codeOf(error), out.isJson ? error.message : messageOf(error, usage));
    return exitOf(error);
  }
}

export const codeOf = (error: Error): string =>
  error instanceof ApiError || error instanceof DiptychError || error instanceof UsageError
    ? error.code
    : 'DIPTYCH_INTERNAL';

export function exitOf(error: Error): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (!(error instanceof ApiError)) return EXIT.failed;
  if (error.status === 0) return EXIT.unreachable;
  // What was answered may still be broken.
  return error.status >= 400 ? EXIT.refused : EXIT.failed;
}

function messageOf(error: Error, usage: string): string {
  if (error instanceof UsageError) return `${error.message}${usage}`;
  return error instanceof ApiError ? `${error.code}: ${error.message}` : error.message;
}

/** Settings on a command line: JSON that stands there or in a file, and single values by name. */
import { readFile } from 'node:fs/promises';
import { asError } from '../errors.ts';
import { UsageError } from './command.ts';

type Settings = Record<string, unknown>;

/** An object, written out or in a file; absent: {}. Throws UsageError. */
export async function settingsOf(option: string, text = '{}'): Promise<Settings> {
  const isText = text.trimStart().startsWith('{');
  const json = isText
    ? text
    : await readFile(text, 'utf8').catch((thrown) => {
        throw new UsageError(`${option} is "${text}", neither JSON nor a file: ${asError(thrown).message}`);
      });
  const value = parsed(json, (reason) => new UsageError(`${option} is "${text}": ${reason}`));
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Settings;
  throw new UsageError(`${option} is "${text}", must be an object`);
}

/** With `a.b=value` set: a number, a list and the like where it is JSON, else text. Throws UsageError. */
export function withSetting(settings: Settings, assignment: string): Settings {
  const [, path, text] = /^([\w-]+(?:\.[\w-]+)*)=(.*)$/s.exec(assignment) ?? [];
  if (path === undefined || text === undefined) {
    throw new UsageError(`--with is "${assignment}", must be NAME=VALUE, like train.steps=200`);
  }
  return placed(settings, path.split('.'), jsonOrText(text));
}

function placed(into: Settings, [name, ...inner]: readonly string[], value: unknown): Settings {
  const there = into[name!];
  const below = typeof there === 'object' && there !== null ? (there as Settings) : {};
  return { ...into, [name!]: inner.length === 0 ? value : placed(below, inner, value) };
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function parsed(json: string, wrong: (reason: string) => Error): unknown {
  try {
    return JSON.parse(json);
  } catch (thrown) {
    throw wrong(asError(thrown).message);
  }
}

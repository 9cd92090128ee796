/** A recorded case: inputs, and the outputs that a Python original gave for them, each with its tolerance. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type HostTensor, readTensors } from '../engine/safetensors.ts';
import { asError, DiptychError } from '../errors.ts';

export interface RecordedCase {
  name: string;
  folder: string;
  /** What was recorded: which check it is for. */
  component: string;
  /** case.json as it stands: every kind of case has its own fields. */
  // biome-ignore lint/suspicious/noExplicitAny: every kind of case has its own fields
  json: Record<string, any>;
  input: Record<string, HostTensor>;
  output: Record<string, HostTensor>;
  /** An input that the case must have. Throws DIPTYCH_BAD_FILE when it has not. */
  given(name: string): HostTensor;
  /** Throws DIPTYCH_BAD_MODEL unless every value is within the case's tolerance of the recorded one. */
  check(name: string, got: ArrayLike<number>): void;
  /** Throws DIPTYCH_BAD_MODEL unless both are deeply equal: what has no tolerance. */
  exact(name: string, got: unknown, want: unknown): void;
  /** The same for whole numbers that were recorded as an output, such as ids. */
  exactly(name: string, got: readonly number[]): void;
  /** The check that came nearest to its tolerance (1), and how many there were. */
  summary(): CaseSummary;
}

export interface CaseSummary {
  checks: number;
  worst: number;
  at: string;
}

interface CaseJson {
  component: string;
  tolerance: { rtol: number; atol: number };
  outputs?: Record<string, { atol: number }>;
}

/** Throws DIPTYCH_BAD_FILE when the folder holds no case. */
export async function readCase(folder: string): Promise<RecordedCase> {
  const name = path.basename(folder);
  const json = await readJson(path.join(folder, 'case.json'));
  const file = path.join(folder, 'io.safetensors');
  const tensors = existsSync(file) ? await readTensors(file) : {};
  const named = (prefix: string) =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, tensor]) => [key.slice(prefix.length), tensor]),
    );
  const [input, output] = [named('in.'), named('out.')];
  let [checks, worst, at] = [0, 0, ''];
  const recordedAs = (key: string) => {
    if (output[key]) return output[key].data;
    throw differs(`${name}: nothing was recorded as "${key}"`);
  };
  function exact(key: string, got: unknown, want: unknown): void {
    checks++;
    if (!isDeepStrictEqual(got, want)) {
      throw differs(`${name} ${key} is ${shown(got)}, recorded was ${shown(want)}`);
    }
  }
  return {
    name,
    folder,
    component: json.component,
    json,
    input,
    output,
    given(key) {
      if (input[key]) return input[key];
      throw new DiptychError('DIPTYCH_BAD_FILE', `${file} has no tensor "in.${key}"`);
    },
    check(key, got) {
      const want = recordedAs(key);
      if (got.length !== want.length) {
        throw differs(`${name} ${key}: there are ${got.length} values, ${want.length} were recorded`);
      }
      const atol = json.outputs?.[key]?.atol ?? json.tolerance.atol;
      let furthest = 0;
      for (let i = 0; i < want.length; i++) {
        const off = Math.abs(got[i]! - want[i]!);
        if (Number.isNaN(off)) throw differs(`${name} ${key}[${i}] is ${got[i]}, recorded was ${want[i]}`);
        if (off > 0) furthest = Math.max(furthest, off / (atol + json.tolerance.rtol * Math.abs(want[i]!)));
      }
      checks++;
      if (furthest >= worst) [worst, at] = [furthest, key];
      if (furthest > 1)
        throw differs(`${name} ${key}: the error is ${furthest.toFixed(2)} times the tolerance`);
    },
    exact,
    exactly: (key, got) => exact(key, got, [...recordedAs(key)]),
    summary: () => ({ checks, worst, at }),
  };
}

async function readJson(file: string): Promise<CaseJson> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as CaseJson;
  } catch (thrown) {
    throw new DiptychError(
      'DIPTYCH_BAD_FILE',
      `can't read ${file}: ${asError(thrown).message}; a recorded case is a folder with case.json and io.safetensors`,
    );
  }
}

const SHOWN = 120;
const shown = (value: unknown) => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
};

const differs = (what: string) => new DiptychError('DIPTYCH_BAD_MODEL', what);

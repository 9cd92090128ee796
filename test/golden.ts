/** Golden cases: tensors that the Python originals computed (test/golden/README.md tells how). */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type HostTensor, readTensors } from '../src/engine/safetensors.ts';

export interface GoldenCase {
  name: string;
  folder: string;
  /** Which part it checks: the key of `test/components`. */
  component: string;
  /** The case's own notes and settings. */
  // biome-ignore lint/suspicious/noExplicitAny: every case has its own fields
  json: Record<string, any>;
  input: Record<string, HostTensor>;
  output: Record<string, HostTensor>;
  /** Fails unless every value is within the case's tolerance of the recorded one. */
  check(name: string, got: ArrayLike<number>): void;
  /** Fails unless both are deeply equal: what has no tolerance. */
  exact(name: string, got: unknown, want: unknown): void;
  /** The check that came nearest to its tolerance (1), and how many there were. */
  summary(): { checks: number; worst: number; at: string };
}

/** Checks one recorded case; throws when it does not hold. */
export type ComponentCheck = (golden: GoldenCase) => Promise<void>;

interface CaseJson {
  component: string;
  tolerance: { rtol: number; atol: number };
  outputs?: Record<string, { atol: number }>;
}

/** Where the recorded cases lie: DIPTYCH_GOLDEN, or this project's own. */
export const goldenFolder = () =>
  path.resolve(process.env.DIPTYCH_GOLDEN || path.join(import.meta.dirname, 'golden'));

/** A case of this project by its name, or any case by its folder. */
export async function goldenCase(nameOrFolder: string): Promise<GoldenCase> {
  const folder = path.resolve(import.meta.dirname, 'golden', nameOrFolder);
  const name = path.basename(folder);
  const json = JSON.parse(readFileSync(path.join(folder, 'case.json'), 'utf8')) as CaseJson;
  const file = path.join(folder, 'io.safetensors');
  const tensors = existsSync(file) ? await readTensors(file) : {};
  const named = (prefix: string) =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, tensor]) => [key.slice(prefix.length), tensor]),
    );
  const output = named('out.');
  let checks = 0;
  let worst = 0;
  let at = '';
  return {
    name,
    folder,
    component: json.component,
    json,
    input: named('in.'),
    output,
    check(key, got) {
      assert.ok(output[key], `${name}: nothing was recorded as "${key}"`);
      const want = output[key].data;
      const atol = json.outputs?.[key]?.atol ?? json.tolerance.atol;
      assert.equal(got.length, want.length, `${name} ${key}: number of values`);
      let furthest = 0;
      for (let i = 0; i < want.length; i++) {
        const off = Math.abs(got[i]! - want[i]!);
        assert.ok(!Number.isNaN(off), `${name} ${key}[${i}] is ${got[i]} against ${want[i]}`);
        if (off > 0) furthest = Math.max(furthest, off / (atol + json.tolerance.rtol * Math.abs(want[i]!)));
      }
      checks++;
      if (furthest >= worst) [worst, at] = [furthest, key];
      assert.ok(furthest <= 1, `${name} ${key}: error is ${furthest.toFixed(2)} times the tolerance`);
    },
    exact(key, got, want) {
      checks++;
      assert.deepEqual(got, want, `${name} ${key}`);
    },
    summary: () => ({ checks, worst, at }),
  };
}

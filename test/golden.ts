/** Golden cases: tensors that the Python originals computed (test/golden/README.md tells how). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type HostTensor, readTensors } from '../src/engine/safetensors.ts';

export interface GoldenCase {
  folder: string;
  /** The case's own notes and settings. */
  // biome-ignore lint/suspicious/noExplicitAny: every case has its own fields
  json: Record<string, any>;
  input: Record<string, HostTensor>;
  output: Record<string, HostTensor>;
  /** Fails unless every value is within the case's tolerance of the recorded one. */
  check(name: string, got: ArrayLike<number>): void;
}

interface CaseJson {
  tolerance: { rtol: number };
  outputs: Record<string, { atol: number }>;
}

export async function goldenCase(name: string): Promise<GoldenCase> {
  const folder = path.join(import.meta.dirname, 'golden', name);
  const json = JSON.parse(readFileSync(path.join(folder, 'case.json'), 'utf8')) as CaseJson;
  const tensors = await readTensors(path.join(folder, 'io.safetensors'));
  const named = (prefix: string) =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, tensor]) => [key.slice(prefix.length), tensor]),
    );
  const output = named('out.');
  return {
    folder,
    json,
    input: named('in.'),
    output,
    check(key, got) {
      const want = output[key]!.data;
      const { atol } = json.outputs[key] ?? { atol: 0 };
      assert.equal(got.length, want.length, `${name} ${key}: number of values`);
      let worst = 0;
      for (let i = 0; i < want.length; i++) {
        const allowed = atol + json.tolerance.rtol * Math.abs(want[i]!);
        worst = Math.max(worst, Math.abs(got[i]! - want[i]!) / allowed);
        assert.ok(!Number.isNaN(got[i]!), `${name} ${key}[${i}] is NaN`);
      }
      assert.ok(worst <= 1, `${name} ${key}: error is ${worst.toFixed(2)} times the tolerance`);
    },
  };
}

/** Whether this machine computes in bfloat16. */
import { bfloat16Problem, nativeProblem, openEngine } from '../src/engine/engine.ts';

/** For a test's `skip`: false where it does, else why not. */
export async function withoutBfloat16(): Promise<string | false> {
  const native = nativeProblem();
  if (native !== null) return `native engine: ${native}`;
  return bfloat16Problem(await openEngine({ prefer: 'native' })) ?? false;
}

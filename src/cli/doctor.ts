/** `diptych doctor`: what runs here, why, and how to get the better one. */
import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { hasNvidiaGpu } from '../../setup/wheels.mjs';
import { bfloat16Problem, nativeProblem, openEngine, seesGpu } from '../engine/engine.ts';
import { asError } from '../errors.ts';
import { openDatabase } from '../store/database.ts';
import { places } from '../store/places.ts';
import { type Asked, EXIT } from './command.ts';

const MODEL = path.resolve(
  import.meta.dirname,
  '../../models/sample/diffusion/unet/diffusion_pytorch_model.safetensors',
);

interface Check {
  good: boolean;
  what: string;
  found: string;
  /** What to do; empty: nothing. */
  hint: string;
}

/** Fails when something that is needed is missing. */
export async function doctor({ out }: Asked): Promise<number> {
  const checks: Check[] = [];
  const say = (good: boolean, what: string, found: string, hint = '') => {
    checks.push({ good, what, found, hint });
  };
  say(true, 'node', process.version);
  say(
    true,
    'machine',
    `${os.availableParallelism()} processor cores, ${(os.totalmem() / 2 ** 30).toFixed(0)} GiB memory`,
  );

  const problem = nativeProblem();
  if (problem === null) {
    const engine = await openEngine({ prefer: 'native' });
    const { tf } = engine;
    const version = (tf.backend() as unknown as { binding: { TF_Version: string } }).binding.TF_Version;
    say(true, 'engine', `native TensorFlow ${version} (a 256 x 256 matmul took ${await timeMatmul()} ms)`);
    const { found, hint } = gpuLine({ card: hasNvidiaGpu(), cuda: usesCuda(), seen: seesGpu(tf) });
    say(true, 'gpu', found, hint);
    const narrow = bfloat16Problem(engine);
    say(true, 'bfloat16', narrow ?? 'here: `train.precision` can be "bfloat16"');
  } else {
    const lacking = (['python3', 'g++'] as const).filter((tool) => !runs(tool));
    const hint =
      lacking.length > 0
        ? `install ${lacking.join(' and ')} (Debian: apt-get install python3-pip g++), then run \`npm run setup\``
        : 'run `npm run setup`; it says why the build fails';
    say(false, 'native engine', `${problem.slice(0, 100)}; WASM is used, about 5 times slower`, hint);
  }
  say(
    existsSync(MODEL),
    'sample model',
    existsSync(MODEL) ? 'models/sample' : 'the weights are not there',
    existsSync(MODEL) ? '' : 'check out models/sample again, or make it: npm run pretrain-sample',
  );
  const { home } = places();
  try {
    const database = await openDatabase({ home });
    const where = process.env.DATABASE_URL ? 'DATABASE_URL' : `embedded PostgreSQL in ${home}`;
    say(true, 'database', where);
    await database.stop();
  } catch (thrown) {
    say(false, 'database', asError(thrown).message, 'set DATABASE_URL, or mend what the line says');
  }
  const healthy = checks.every(({ good }) => good);
  const end = healthy ? 'all well' : 'see the lines marked MISSING';
  out.result({ healthy, checks }, [...checks.map(lineOf), end].join('\n'));
  return healthy ? EXIT.done : EXIT.failed;
}

const lineOf = ({ good, what, found, hint }: Check) =>
  `${good ? 'ok     ' : 'MISSING'} ${what.padEnd(16)} ${found}${hint ? `\n        -> ${hint}` : ''}`;

/** What runs the arithmetic, and what to do where a card lies idle. Never run with a card so far. */
export function gpuLine({ card, cuda, seen }: { card: boolean; cuda: boolean; seen: boolean }) {
  const wheel = cuda ? 'TensorFlow with CUDA' : 'TensorFlow for the CPU';
  if (seen) return { found: `${wheel} computes on the GPU`, hint: '' };
  if (!card) return { found: `${wheel}; there is no NVIDIA GPU`, hint: '' };
  const found = `${wheel} does not see the NVIDIA GPU`;
  if (cuda)
    return { found, hint: 'TF_CPP_MIN_LOG_LEVEL=0 npm run diptych doctor shows which library is missing' };
  return { found, hint: 'DIPTYCH_TENSORFLOW=cuda npm run setup fetches the one with CUDA (3 GB, Linux x64)' };
}

/** Whether the binding in use was built against the wheels with CUDA (setup/engine.mjs). */
function usesCuda(): boolean {
  const manifestFolder = path.dirname(
    createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu/package.json'),
  );
  const binding = realpathSync(path.join(manifestFolder, 'lib', 'napi-v8', 'tfjs_binding.node'));
  return path.basename(path.dirname(binding)) === 'cuda';
}

async function timeMatmul(): Promise<string> {
  const { tf } = await openEngine({ prefer: 'native' });
  const a = tf.randomNormal([256, 256]);
  const multiply = () => tf.tidy(() => tf.matMul(a as never, a as never).dataSync());
  multiply();
  const started = performance.now();
  multiply();
  a.dispose();
  return (performance.now() - started).toFixed(1);
}

function runs(tool: string): boolean {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

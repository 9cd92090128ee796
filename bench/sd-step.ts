/**
 * UNets shaped like those of SD1.5 and SDXL at a fifth of their width, batch 2, latents 32 x 32, 77 tokens: one forward
 * pass, and one training step (mean squared error, backward, clipping, AdamW), in ms, beside PyTorch eager with
 * diffusers on the same weights, inputs and threads. ratio = ours / theirs: below 1 is faster.
 */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { seededNoise } from '../src/diffusion/noise.ts';
import { type Engine, openEngine, type Tensor } from '../src/engine/engine.ts';
import { createFlatParameters } from '../src/engine/flat-parameters.ts';
import { type HostTensor, writeSafetensors } from '../src/engine/safetensors.ts';
import { disposeWeights, loadWeights, toHost } from '../src/engine/weights.ts';
import { UNET } from '../src/models/folders/network-kinds.ts';
import { type TextCondition, unetForward } from '../src/models/unet/unet.ts';
import type { BenchResult } from './run.ts';
import { assertEqualWork, inTurn, startTorch, type Timed } from './torch/peer.ts';
import { reducedSd15, reducedSdxl, writeUnet } from './torch/reduced-models.ts';

const [BATCH, SIDE, TOKENS, WIDTH, TEXT_WIDTH, POOLED] = [2, 32, 77, 64, 192, 256];
const REPEATS = 5;
const THREADS = os.availableParallelism();
const SHAPES = {
  sd15: reducedSd15(WIDTH, TEXT_WIDTH, SIDE),
  sdxl: reducedSdxl(WIDTH, TEXT_WIDTH, POOLED, SIDE),
};

export async function run(): Promise<BenchResult[]> {
  const engine = await openEngine();
  const made = await mkdtemp(path.join(os.tmpdir(), 'diptych-bench-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  const results: BenchResult[] = [];
  for (const [name, json] of Object.entries(SHAPES))
    results.push(...(await benchShape(engine, name, json, path.join(made, name))));
  return results;
}

async function benchShape(engine: Engine, name: string, json: Record<string, unknown>, folder: string) {
  const { tf } = engine;
  await writeUnet(folder, json);
  const config = UNET.parse(json);
  const specs = UNET.parameters(config);
  const weights = await loadWeights(engine, path.join(folder, `${UNET.stem}.safetensors`), specs);
  const policy = createFlatParameters(engine, specs, toHost(weights, specs), { maxGradNorm: 1 });

  const noise = (seed: number, shape: number[]) =>
    seededNoise(
      tf,
      Array.from({ length: BATCH }, (_, i) => seed + i),
      shape,
    );
  const [x, target] = [noise(0, [SIDE, SIDE, 4]), noise(10, [SIDE, SIDE, 4])];
  const t = tf.tensor1d([37, 801]);
  const states = noise(20, [TOKENS, TEXT_WIDTH]);
  const added = config.textTime && {
    textEmbeds: noise(30, [POOLED]),
    timeIds: tf.tensor2d([256, 256, 0, 0, 256, 256, 192, 256, 8, 0, 256, 256], [BATCH, 6]) as Tensor,
  };
  const condition: TextCondition = { states, ...(added && { added }) };
  const inputs = path.join(folder, 'inputs.safetensors');
  const nchw = (tensor: Tensor) => host(tensor.transpose([0, 3, 1, 2]));
  await writeSafetensors(inputs, {
    ...{ x: nchw(x), target: nchw(target), t: host(t), states: host(states) },
    ...(added && { text_embeds: host(added.textEmbeds), time_ids: host(added.timeIds) }),
  });

  const timed = (work: () => ArrayLike<number>) => (): Timed => {
    const started = performance.now();
    const values = work();
    return { ms: performance.now() - started, values };
  };
  const ours = {
    forward: timed(() => tf.tidy(() => unetForward(engine, config, weights, x, t, condition).dataSync())),
    train: timed(() => {
      const { loss, gradNorm } = policy.step((named) => {
        const output = unetForward(engine, config, named, x, t, condition);
        return { loss: output.sub(target).square().mean() };
      }, 1e-5);
      return [loss, gradNorm];
    }),
  };
  const torch = await startTorch('sd_step.py', [folder, inputs], THREADS);
  try {
    const results: BenchResult[] = [];
    for (const what of ['forward', 'train'] as const) {
      const times = await inTurn(ours[what], torch && (() => torch.work(what)), REPEATS);
      if (times.first[1]) assertEqualWork(times.first[0].values, times.first[1].values, 1e-3);
      results.push({
        ...{ bench: `sd-step ${name} ${what}`, value: times.ours, unit: 'ms' },
        ...{ peer: torch?.name ?? null, peerValue: times.theirs },
        ratio: times.theirs && times.ours / times.theirs,
      });
    }
    return results;
  } finally {
    torch?.close();
    policy.dispose();
    disposeWeights(weights);
  }
}

const host = (tensor: Tensor): HostTensor => ({
  shape: tensor.shape,
  dtype: 'float32',
  data: Float32Array.from(tensor.dataSync()),
});

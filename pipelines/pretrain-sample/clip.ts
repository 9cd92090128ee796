/**
 * Pretrains the sample CLIP: symmetric contrastive loss over painted scenes and their prompts (Radford et al.,
 * arXiv 2103.00020).
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { adamW } from '../../src/engine/adamw.ts';
import type { Tensor } from '../../src/engine/engine.ts';
import { createFlatParameters, type FlatState } from '../../src/engine/flat-parameters.ts';
import { readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import {
  clipImageEmbeds,
  clipParameters,
  clipTextEmbeds,
  parseClipConfig,
  unitRows,
} from '../../src/models/clip/clip.ts';
import { normalisedPixels } from '../../src/models/preprocess/clip-preprocess.ts';
import { loadTokenizer } from '../../src/models/tokenizers/tokenizer.ts';
import { sceneBatch } from './batches.ts';
import { clipConfig, PREPROCESSOR_CONFIG } from './configs.ts';
import type { PretrainOptions } from './diffusion.ts';
import { initialWeights } from './initial-weights.ts';

const PEAK_RATE = 1e-3;
const WARM_UP = 100;
const CHECKPOINT_EVERY = 250;
/** CLIP's own cap of the logit scale: 100. */
const MAX_LOGIT_SCALE = Math.log(100);

export async function pretrainClip(options: PretrainOptions): Promise<void> {
  const { engine, folders, seed, steps, batch, work, log } = options;
  const { tf } = engine;
  const config = parseClipConfig(clipConfig(folders.vocabSize));
  const specs = clipParameters(config);
  const tokenizer = await loadTokenizer(folders.clip);
  const checkpoint = path.join(work, 'clip.safetensors');
  const resumed = existsSync(checkpoint) ? await readState(checkpoint) : null;
  const flat = createFlatParameters(engine, specs, resumed ?? initialWeights(specs, seed, /^$/), {
    optimizer: adamW({ weightDecay: 0.05 }),
    maxGradNorm: 1,
  });
  const start = resumed?.step ?? 0;
  log.rewind('clip', start);
  const diagonal = Array.from({ length: batch }, (_, i) => i);

  let [lossSum, hits, since] = [0, 0, Date.now()];
  for (let step = start + 1; step <= steps; step++) {
    const { images, prompts } = sceneBatch(seed + 1, step, batch);
    const ids = prompts.map((prompt) => tokenizer.encode(prompt));
    const cosine = 0.5 * (1 + Math.cos((Math.PI * step) / steps));
    const rate = PEAK_RATE * Math.min(1, step / WARM_UP) * (0.03 + 0.97 * cosine);
    const { loss, aux } = flat.step((weights) => {
      const pixels = normalisedPixels(tf, images, PREPROCESSOR_CONFIG);
      const image = unitRows(clipImageEmbeds(engine, config, weights, pixels));
      const text = unitRows(clipTextEmbeds(engine, config, weights, ids));
      const scale = weights.logit_scale!.clipByValue(0, MAX_LOGIT_SCALE).exp();
      const logits = tf.matMul(image as never, text as never, false, true).mul(scale) as Tensor;
      const own = tf.oneHot(tf.tensor1d(diagonal, 'int32'), batch);
      const entropy = (rows: Tensor) => tf.logSoftmax(rows).mul(own).sum().div(-batch);
      const right = logits.argMax(1).equal(tf.tensor1d(diagonal, 'int32')).cast('float32').mean();
      return {
        loss: entropy(logits).add(entropy(logits.transpose())).div(2) as Tensor,
        aux: [right as Tensor],
      };
    }, rate);
    lossSum += loss;
    hits += aux[0]![0]!;
    if (step % 50 === 0) {
      log.append('clip', {
        step,
        loss: Number((lossSum / 50).toPrecision(4)),
        accuracy: Number((hits / 50).toPrecision(4)),
        secondsPerStep: Number(((Date.now() - since) / 50_000).toPrecision(3)),
      });
      [lossSum, hits, since] = [0, 0, Date.now()];
    }
    if (step % CHECKPOINT_EVERY === 0 || step === steps) {
      const { step: done, parameters, m, v } = flat.state();
      const vector = (data: Float32Array) => ({ shape: [data.length], dtype: 'float32' as const, data });
      await writeSafetensors(checkpoint, {
        step: { shape: [1], dtype: 'int32', data: Int32Array.of(done) },
        parameters: vector(parameters),
        m: vector(m),
        v: vector(v),
      });
      await writeSafetensors(path.join(folders.clip, 'model.safetensors'), flat.toHost());
    }
  }
  flat.dispose();
}

async function readState(file: string): Promise<FlatState> {
  const tensors = await readTensors(file);
  const data = (name: string) => tensors[name]!.data as Float32Array;
  return { step: tensors.step!.data[0]!, parameters: data('parameters'), m: data('m'), v: data('v') };
}

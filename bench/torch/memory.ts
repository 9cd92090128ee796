/** The child of bench/model-memory.ts: loads and samples, and prints the process's peak memory after each, in MB. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { guidedPredictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import { parseSchedule } from '../../src/diffusion/schedule.ts';
import { openEngine } from '../../src/engine/engine.ts';
import { loadWeights } from '../../src/engine/weights.ts';
import type { DiffusionModel, Network } from '../../src/models/folders/model-folder.ts';
import { type NetworkKind, UNET, VAE } from '../../src/models/folders/network-kinds.ts';
import { fromLatents } from '../../src/models/inputs/latents.ts';

const [STEPS, GUIDANCE, TOKENS] = [2, 3, 77];
const folder = process.argv[2]!;
const engine = await openEngine();
const { tf } = engine;
const readJson = (...parts: string[]) => JSON.parse(readFileSync(path.join(folder, ...parts), 'utf8'));

async function load<Config>(part: string, kind: NetworkKind<Config>): Promise<Network<Config>> {
  const config = kind.parse(readJson(part, 'config.json'));
  const specs = kind.parameters(config);
  const file = path.join(folder, part, `${kind.stem}.safetensors`);
  return { config, specs, weights: await loadWeights(engine, file, specs, kind) };
}

const [unet, vae] = [await load('unet', UNET), await load('vae', VAE)];
const loaded = peak();
const { config, weights } = unet;
const states = (seed: number) => ({ states: seededNoise(tf, [seed], [TOKENS, config.crossAttentionDim]) });
const predict = guidedPredictor(engine, config, weights, { prompt: states(1), empty: states(2) }, GUIDANCE);
const noise = seededNoise(tf, [3], [config.sampleSize, config.sampleSize, config.inChannels]);
const x0 = sample(engine, parseSchedule(readJson('scheduler.json')), predict, noise, STEPS);
fromLatents(engine, { vae } as DiffusionModel, x0).dataSync();
console.log(JSON.stringify({ loaded, sampled: peak() }));

function peak(): number {
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1];
  return Number(kilobytes) / 1000;
}

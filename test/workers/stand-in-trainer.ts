/**
 * Stands in for the scripts of Diffusion-DPO, Inversion-DPO and diffusers: takes their arguments, finds and reads the
 * pairs as they do, draws their progress bar, makes checkpoint-N, and leaves weights as they do. It trains nothing: every
 * weight of the UNet grows by the number of pairs. --mode says what becomes of it.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import { saveLora } from '../../src/models/folders/lora-files.ts';
import { readConfig } from '../../src/models/folders/model-folder.ts';
import { UNET } from '../../src/models/folders/network-kinds.ts';
import { ATTENTION_LAYERS, initialLora, loraConfig, loraTargets } from '../../src/models/unet/lora.ts';
import { createRandom } from '../../src/random.ts';

export type Mode = 'unet' | 'misfit' | 'lora' | 'zero-lora' | 'nothing' | 'fail' | 'hang';

/** What it writes down of its start, as start.json. */
export interface Start {
  arguments: Record<string, string>;
  environment: Record<string, string>;
  seen: { caption: string; winner: string; loser: string }[];
  /** Process ids: its own, and that of the worker it starts in mode "hang". */
  own: number;
  worker: number | null;
  resumedFrom: number;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Their preprocess_train: all columns but these are left alone, and image 1 has won only where label_0 is 0. */
async function readPairs(name: string): Promise<Start['seen']> {
  const files = globSync(path.join(name, 'data', 'train-*.parquet'));
  if (files.length === 0) throw new Error(`no data files in ${name}`);
  const columns = ['jpg_0', 'jpg_1', 'label_0', 'caption'];
  const rows = await Promise.all(
    files.map(async (file) =>
      parquetReadObjects({ file: await asyncBufferFromFile(file), columns, utf8: false }),
    ),
  );
  return rows.flat().flatMap(({ jpg_0, jpg_1, label_0, caption }) => {
    // Only for Pick-a-Pic they leave out what is neither won nor lost.
    if (name.includes('pickapic') && label_0 !== 0 && label_0 !== 1) return [];
    const images = [bytesOf(jpg_0), bytesOf(jpg_1)];
    const [winner, loser] = label_0 === 0 ? images.reverse() : images;
    return [{ caption: caption as string, winner: sha256(winner!), loser: sha256(loser!) }];
  });
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error(`an image column holds ${typeof value}; io.BytesIO wants bytes`);
}

const given = Object.fromEntries(
  process.argv.slice(2).map((argument) => /^--(\w+)=(.*)$/s.exec(argument)!.slice(1) as [string, string]),
);
const mode = given.mode as Mode;
const output = given.output_dir!;
const steps = Number(given.max_train_steps);
const unet = path.join(given.pretrained_model_name_or_path!, 'unet');
if (mode === 'hang') process.on('SIGTERM', () => console.log('not now'));

const seen = await readPairs(given.dataset_name!);
const resumedFrom = Math.max(
  0,
  ...readdirSync(output).map((name) => Number(name.split('checkpoint-')[1] ?? 0)),
);
const torn = path.join(output, `checkpoint-${resumedFrom}`);
if (resumedFrom > 0 && !existsSync(path.join(torn, 'random_states_0.pkl')))
  throw new Error(`${torn} is torn`);
const worker = mode === 'hang' ? startWorker() : null;
const start: Start = {
  arguments: given,
  environment: process.env as Record<string, string>,
  seen,
  own: process.pid,
  worker,
  resumedFrom,
};
writeFileSync(path.join(output, 'start.json'), JSON.stringify(start));

console.log('***** Running training *****');
// Bars of other things come first, and that of a resumed run counts from its checkpoint (Diffusion-DPO's does).
process.stderr.write('Loading pipeline components...: 100%|###| 7/7 [00:00<00:00]\n');
const all = steps - resumedFrom;
for (let done = 0; done <= all; done++) {
  const percent = Math.round((100 * done) / all);
  process.stderr.write(
    `\rSteps: ${percent}%|#   | ${done}/${all} [00:01<00:09,  9.9it/s, lr=1e-8, step_loss=0.69]`,
  );
  if (done > 0 && resumedFrom + done === steps / 2) makeCheckpoint(steps / 2);
  if (mode === 'fail' && done > all / 2) {
    process.stderr.write('\nTraceback (most recent call last):\n');
    process.stderr.write('torch.cuda.OutOfMemoryError: CUDA out of memory\n');
    process.exit(3);
  }
  if (mode === 'hang' && done > all / 2) await new Promise(() => {});
}
process.stderr.write('\n');

/** Like one of torch's workers: in a session of its own, and deaf to being asked. */
function startWorker(): number {
  const script = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";
  // Holds the output open, too.
  const child = spawn(process.execPath, ['-e', script], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  setInterval(() => {}, 1000);
  return child.pid!;
}

function makeCheckpoint(step: number): void {
  const folder = path.join(output, `checkpoint-${step}`);
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'random_states_0.pkl'), '');
}

if (mode === 'unet' || mode === 'misfit') {
  cpSync(unet, path.join(output, 'unet'), { recursive: true });
  const file = path.join(output, 'unet', `${UNET.stem}.safetensors`);
  const tensors = await readTensors(file);
  for (const tensor of Object.values(tensors)) tensor.data = tensor.data.map((value) => value + seen.length);
  if (mode === 'misfit')
    tensors['conv_in.bias'] = { shape: [1], dtype: 'float32', data: new Float32Array(1) };
  await writeSafetensors(file, tensors);
}
if (mode === 'lora' || mode === 'zero-lora') {
  const specs = UNET.parameters(UNET.parse(await readConfig(unet, UNET.configFile)));
  const config = loraConfig(loraTargets(specs, ATTENTION_LAYERS), 2, 2);
  const tensors = initialLora(config, createRandom(1));
  for (const [name, { data }] of Object.entries(tensors))
    if (name.includes('lora_B')) data.fill(mode === 'lora' ? 1 : 0);
  await saveLora(path.join(output, 'pytorch_lora_weights.safetensors'), config, tensors);
}

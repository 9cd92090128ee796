/**
 * `npm run pretrain-sample [-- diffusion|clip] [--steps N] [--clip-steps N] [--seed N] [--out FOLDER] [--work FOLDER]
 *   [--log FOLDER]`
 *
 * Makes models/sample again: annotations, tokenizer, text encoder and UNet (trained together on painted scenes), then a
 * small CLIP; one of the two when named. Seeded, resumable from its newest checkpoint. The log folder
 * (docs/data/pretrain-sample) gets the numbers, their curves and a sheet of samples.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openEngine } from '../src/engine/engine.ts';
import { writeSampleAnnotations } from './pretrain-sample/annotations.ts';
import { pretrainClip } from './pretrain-sample/clip.ts';
import { writeCurves } from './pretrain-sample/curves.ts';
import { pretrainDiffusion } from './pretrain-sample/diffusion.ts';
import { createRunLog } from './pretrain-sample/run-log.ts';
import { writeSampleFolders } from './pretrain-sample/sample-folders.ts';

const root = path.resolve(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    steps: { type: 'string', default: '3600' },
    'clip-steps': { type: 'string', default: '1200' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: path.join(root, 'models', 'sample') },
    work: { type: 'string', default: path.join(root, '.diptych', 'pretrain-sample') },
    log: { type: 'string', default: path.join(root, 'docs', 'data', 'pretrain-sample') },
  },
});
await mkdir(values.work, { recursive: true });
const shared = {
  engine: await openEngine(),
  folders: await writeSampleFolders(values.out),
  seed: Number(values.seed),
  work: values.work,
  log: createRunLog(values.log),
};
await writeSampleAnnotations(values.out, shared.seed);
const asked = (part: string) => positionals.length === 0 || positionals.includes(part);
if (asked('diffusion')) await pretrainDiffusion({ ...shared, batch: 48, steps: Number(values.steps) });
if (asked('clip')) await pretrainClip({ ...shared, batch: 128, steps: Number(values['clip-steps']) });
await writeCurves(path.join(values.log, 'curves.svg'), shared.log);

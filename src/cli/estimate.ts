/** `diptych estimate KIND --annotations N [--settings FILE]`: what a run will take, before it is asked for. */
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { Default, Errors } from 'typebox/value';
import { estimateRun, type RunEstimate } from '../../pipelines/estimate.ts';
import { RUN_KINDS, type RunKind, RunSettings } from '../../pipelines/settings.ts';
import { modelFolder } from '../../workers/model-folders.ts';
import { openEngine } from '../engine/engine.ts';
import { measureRate } from '../engine/rate.ts';
import { asError, DiptychError } from '../errors.ts';
import { formatBytes, formatDuration } from './progress.ts';

const USAGE = 'npm run diptych -- estimate KIND --annotations N [--settings FILE.json] [--json]';

export async function estimate(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        annotations: { type: 'string' },
        settings: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const kind = kindOf(positionals[0]);
    const annotations = countOf(values.annotations);
    const settings = await settingsOf(values.settings);
    const made = await estimateRun(
      kind,
      settings,
      annotations,
      modelFolder(settings.compare?.base ?? settings.model, 'diffusion'),
    );
    const engine = await openEngine();
    const flopsPerSecond = measureRate(engine);
    if (values.json) console.log(JSON.stringify({ kind, annotations, ...made, flopsPerSecond }));
    else for (const line of estimateLines(made, flopsPerSecond, os.totalmem())) console.log(line);
    return 0;
  } catch (thrown) {
    console.error(asError(thrown).message);
    return 1;
  }
}

export function estimateLines(
  { images, work, memory, disk }: RunEstimate,
  flopsPerSecond: number,
  machineBytes: number,
): string[] {
  const time = (flops: number) => formatDuration(flops / flopsPerSecond);
  const all = work.reduce((sum, { flops }) => sum + flops, 0);
  const most = Math.max(memory.generate, memory.train);
  const perPart = work.map(
    ({ name, flops }) => `  ${name.padEnd(20)} ${time(flops).padStart(14)}   ${tera(flops)}`,
  );
  return [
    `images    ${images.toLocaleString('en')}`,
    `time      about ${time(all)} on this machine, at ${(flopsPerSecond / 1e9).toFixed(0)} GFLOP/s in one process:`,
    ...perPart,
    `memory    ${formatBytes(memory.generate)} to generate, ${formatBytes(memory.train)} to train`,
    ...(most > machineBytes
      ? [
          `          this machine has ${formatBytes(machineBytes)}: ${ADVICE[most === memory.train ? 'train' : 'generate']}`,
        ]
      : []),
    `disk      ${formatBytes(disk.images)} of images, ${formatBytes(disk.trajectories)} of trajectories, ${formatBytes(disk.models)} of models`,
    'Text encoders and scorers are not counted: a few percent beside the UNet of a real model.',
  ];
}

const ADVICE = {
  generate: 'use a smaller model, or draw with a server (docs/remote.md)',
  train: 'lower train.pairsPerStep, set train.gradientCheckpointing, or train a LoRA (docs/training.md)',
};
const tera = (flops: number) => `${(flops / 1e12).toLocaleString('en', { maximumFractionDigits: 1 })} TFLOP`;

function kindOf(text: string | undefined): RunKind {
  const kind = RUN_KINDS.find((known) => known === text);
  if (kind) return kind;
  const what = text === undefined ? USAGE : `"${text}" is no kind of run; there are ${RUN_KINDS.join(', ')}`;
  throw new DiptychError('DIPTYCH_INVALID_INPUT', what);
}

function countOf(text: string | undefined): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `--annotations is ${text ?? 'missing'}; how many will there be?`,
  );
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new DiptychError('DIPTYCH_INVALID_INPUT', `${file}: ${asError(thrown).message}`);
  }
}

/** The `settings` of POST /v1/runs. */
async function settingsOf(file: string | undefined): Promise<RunSettings> {
  const given = file === undefined ? {} : await readJson(file);
  const settings = Default(RunSettings, given);
  const [wrong] = Errors(RunSettings, settings);
  if (wrong) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `${file}: settings${wrong.instancePath} ${wrong.message}`,
    );
  }
  return settings as RunSettings;
}

/** `diptych estimate`: what a run will take, before it is asked for. */
import os from 'node:os';
import { Default, Errors } from 'typebox/value';
import { estimateRun, type RunEstimate } from '../../pipelines/estimate.ts';
import { type AskedSettings, completed, type RunKind, RunSettings } from '../../pipelines/settings.ts';
import { modelFiles } from '../../workers/model-folders.ts';
import { openEngine, seesGpu } from '../engine/engine.ts';
import { measureRate } from '../engine/rate.ts';
import { type Asked, EXIT, UsageError } from './command.ts';
import { formatBytes, formatDuration } from './progress.ts';
import { settingsOf } from './settings.ts';

interface EstimateValues {
  annotations: string;
  settings: string | undefined;
}

export async function estimate({ args, values, out }: Asked<EstimateValues>): Promise<number> {
  const kind = args[0] as RunKind;
  const annotations = countOf(values.annotations);
  const settings = checked(await settingsOf('--settings', values.settings));
  const base = modelFiles(settings.compare?.base ?? settings.model, settings.model).model;
  const made = await estimateRun(kind, settings, annotations, base);
  const engine = await openEngine();
  const flopsPerSecond = measureRate(engine);
  const device = seesGpu(engine.tf) ? 'GPU' : 'processor';
  out.result(
    { kind, annotations, ...made, flopsPerSecond, device, hours: totalOf(made) / flopsPerSecond / 3600 },
    estimateLines(made, flopsPerSecond, device, os.totalmem()).join('\n'),
  );
  return EXIT.done;
}

const totalOf = ({ work }: RunEstimate) => work.reduce((sum, { flops }) => sum + flops, 0);

export function estimateLines(
  made: RunEstimate,
  flopsPerSecond: number,
  device: 'GPU' | 'processor',
  machineBytes: number,
): string[] {
  const { images, work, memory, disk } = made;
  const time = (flops: number) => formatDuration(flops / flopsPerSecond);
  const all = totalOf(made);
  const most = Math.max(memory.generate, memory.train);
  const perPart = work.map(
    ({ name, flops }) => `  ${name.padEnd(20)} ${time(flops).padStart(14)}   ${tera(flops)}`,
  );
  return [
    `images    ${images.toLocaleString('en')}`,
    `time      about ${time(all)} on this machine, at ${(flopsPerSecond / 1e9).toFixed(0)} GFLOP/s in one process:`,
    ...perPart,
    `hours     ${(all / flopsPerSecond / 3600).toFixed(2)} of this machine's ${device}; of another, ${tera(all)} over what it reaches`,
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

function countOf(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new UsageError(`--annotations is "${text}", must be a whole number above 0: how many will there be?`);
}

/** The `settings` of POST /v1/runs, with their defaults. */
function checked(given: object): RunSettings {
  const settings = Default(RunSettings, given) as AskedSettings;
  const [wrong] = Errors(RunSettings, settings);
  if (wrong) throw new UsageError(`--settings: settings${wrong.instancePath} ${wrong.message}`);
  return completed(settings);
}

/** `diptych models check`: what a model folder is, whether everything fits, whether it agrees. */
import { openEngine } from '../engine/engine.ts';
import type { ParameterSpec } from '../engine/weights.ts';
import { type FolderReport, inspectFolder, memoryNeeds } from '../models/folders/inspect.ts';
import { countParameters, LORA_RANK } from '../models/folders/weight-memory.ts';
import { checkFolder } from '../recorded/index.ts';
import { type Asked, EXIT } from './command.ts';
import { formatBytes } from './progress.ts';

/** Lines listed of a long list; the others are counted. */
const LISTED = 10;

/** Fails when something is missing, does not fit, or gives other values than were recorded. */
export async function checkModel({
  args,
  values,
  out,
}: Asked<{ case: string | undefined }>): Promise<number> {
  const folder = args[0]!;
  const report = await inspectFolder(folder);
  const fits = report.parts.every(({ missing, misfits }) => missing.length + misfits.length === 0);
  const isPipeline = report.parts[0]!.name !== '.';
  const agreement =
    fits && values.case !== undefined
      ? await checkFolder(await openEngine(), folder, values.case, isPipeline)
      : null;
  out.result(
    { ...dataOf(report), fits, agreement },
    [...reportLines(report), ...(agreement ? [agreementLine(values.case!, agreement)] : [])].join('\n'),
  );
  return fits ? EXIT.done : EXIT.failed;
}

const agreementLine = (name: string, { checks, worst, at }: { checks: number; worst: number; at: string }) =>
  `agrees  with ${name}: ${checks} recorded outputs, largest deviation ${(100 * worst).toPrecision(2)}% of the tolerance, in ${at}`;

const dataOf = (report: FolderReport) => ({
  class: report.class,
  parts: report.parts.map(({ specs, ...part }) => ({ ...part, parameters: countParameters(specs) })),
  unread: report.unread,
  memory: memoryNeeds(report),
});

export function reportLines(report: FolderReport): string[] {
  const lines = [`${report.class}, ${count(report.parts.flatMap(({ specs }) => specs))}`];
  for (const part of report.parts) {
    const good = part.missing.length + part.misfits.length === 0;
    lines.push(
      `${good ? 'ok     ' : 'WRONG  '} ${part.name.padEnd(16)} ${part.class}, ${count(part.specs)}, ${part.files.join(', ')}`,
      ...shortened(
        part.missing.map(({ name, shape }) => `missing: "${name}" of shape [${shape}]`),
        'missing',
      ),
      ...shortened(part.misfits, 'of another shape'),
      ...shortened(
        part.surplus.map((name) => `not used: "${name}"`),
        'not used',
      ),
    );
  }
  for (const name of report.unread) lines.push(`-       ${name.padEnd(16)} not needed, not read`);
  const { sample, train } = memoryNeeds(report);
  lines.push(`weights in float32 take ${formatBytes(sample)} to use`);
  if (train !== null) {
    const lora = `${formatBytes(train.lora)} to train a LoRA of rank ${LORA_RANK} on its attention`;
    lines.push(`${formatBytes(train.all)} to train all of the UNet, ${lora}`);
  }
  lines.push('(activations come on top: `diptych estimate` counts them)');
  return lines;
}

function shortened(lines: readonly string[], what: string): string[] {
  const shown = lines.slice(0, LISTED).map((line) => `        ${line}`);
  const more = lines.length - shown.length;
  return more > 0 ? [...shown, `        and ${more} more ${what}`] : shown;
}

const count = (specs: readonly ParameterSpec[]) =>
  `${countParameters(specs).toLocaleString('en')} parameters`;

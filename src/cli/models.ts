/** `diptych models check FOLDER [--case CASE]`: what a model folder is, whether everything fits, whether it agrees. */
import { parseArgs } from 'node:util';
import { openEngine } from '../engine/engine.ts';
import type { ParameterSpec } from '../engine/weights.ts';
import { asError } from '../errors.ts';
import { type FolderReport, inspectFolder, memoryNeeds } from '../models/inspect.ts';
import { countParameters, LORA_RANK } from '../models/weight-memory.ts';
import { checkFolder } from '../recorded/index.ts';
import { formatBytes } from './progress.ts';

/** Lines listed of a long list; the others are counted. */
const LISTED = 10;

/** Returns 1 when something is missing, does not fit, or gives other values than were recorded. */
export async function models(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { case: { type: 'string' } },
    });
    const [action, folder] = positionals;
    if (action !== 'check' || folder === undefined) {
      console.error('npm run diptych -- models check FOLDER [--case CASE]');
      return 1;
    }
    const report = await inspectFolder(folder);
    const lines = reportLines(report);
    for (const line of lines) console.log(line);
    if (report.parts.some(({ missing, misfits }) => missing.length + misfits.length > 0)) return 1;
    if (values.case !== undefined) {
      const isPipeline = report.parts[0]!.name !== '.';
      const { checks, worst, at } = await checkFolder(await openEngine(), folder, values.case, isPipeline);
      const share = `${(100 * worst).toPrecision(2)}% of the tolerance, in ${at}`;
      console.log(`agrees  with ${values.case}: ${checks} recorded outputs, largest deviation ${share}`);
    }
    return 0;
  } catch (thrown) {
    console.error(asError(thrown).message);
    return 1;
  }
}

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

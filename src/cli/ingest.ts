/** `diptych ingest`: sends annotations, or a benchmark's prompts, to a service. */
import { stat } from 'node:fs/promises';
import { streamOf } from '../../clients/typescript/files.ts';
import { type Asked, EXIT, type ServiceValues, serviceOf } from './command.ts';
import { formatBytes, progressBar } from './progress.ts';

/** Rejected records that are printed; --json has more. */
const PRINTED = 20;

interface IngestValues extends ServiceValues {
  set: string;
  format: string;
  category: string | undefined;
}

export async function ingest({ args, values, out }: Asked<IngestValues>): Promise<number> {
  const [file] = args as [string];
  const { set, format, category } = values;
  const { size } = await stat(file);
  const client = serviceOf(values);
  const printer = out.progress();
  const bar = progressBar('send');
  // Its units are bytes, of which no rate is told.
  const body = streamOf(file, (sent) => printer.show(...bar(0, size, sent / size)));
  if (format !== 'laion-sg') {
    const counts = await client.ingestPrompts(set, body, {
      format,
      ...(category !== undefined && { category }),
    });
    const { received, ...others } = counts;
    out.result(counts, `${received} prompts: ${countsText(others)}`);
    return EXIT.done;
  }
  const answer = await client.ingest(set, body);
  const { received, rejected, rejections, ...counts } = answer;
  out.result(answer, `${received} records (${formatBytes(size)}): ${countsText({ ...counts, rejected })}`);
  for (const { line, field, reason } of rejections.slice(0, PRINTED)) {
    out.note(`  line ${line}: ${field} ${reason}`);
  }
  return rejected === 0 ? EXIT.done : EXIT.failed;
}

const countsText = (counts: Record<string, number>) =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');

/** `diptych ingest FILE --set NAME`: sends annotations, or a benchmark's prompts, to a running service. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { T2I_CATEGORIES } from '../annotations/benchmark.ts';
import { BENCHMARK_FORMATS } from '../benchmarks/read.ts';
import { asError, DiptychError } from '../errors.ts';
import { openClient } from './client.ts';

const USAGE = `npm run diptych -- ingest FILE --set NAME [--format FORMAT] [--category CATEGORY] [--url URL]
  FORMAT     laion-sg (what it is without one), ${BENCHMARK_FORMATS.join(', ')}
  CATEGORY   of a file of T2I-CompBench: ${T2I_CATEGORIES.join(', ')}
  URL        of the service, or DIPTYCH_URL: the address that \`npm start\` prints`;

/** Rejected records that are printed; the service lists more. */
const PRINTED = 20;

/** 1 where anything was refused. */
export async function ingestCommand(args: readonly string[]): Promise<number> {
  try {
    const { file, set, url, format, category } = asked(args);
    await stat(file);
    const client = openClient(url);
    const stream = createReadStream(file);
    if (format !== 'laion-sg') {
      const asked = { format, ...(category !== undefined && { category }) };
      const { received, ...counts } = await client.ingestPrompts(set, stream, asked);
      console.log(`${received} prompts: ${countsText(counts)}`);
      return 0;
    }
    const { received, rejected, rejections, ...counts } = await client.ingest(set, stream);
    console.log(`${received} records: ${countsText({ ...counts, rejected })}`);
    for (const { line, field, reason } of rejections.slice(0, PRINTED)) {
      console.error(`  line ${line}: ${field} ${reason}`);
    }
    return rejected === 0 ? 0 : 1;
  } catch (thrown) {
    console.error(asError(thrown).message);
    return 1;
  }
}

const countsText = (counts: Record<string, number>) =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');

function asked(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      set: { type: 'string' },
      format: { type: 'string', default: 'laion-sg' },
      category: { type: 'string' },
      url: { type: 'string', default: process.env.DIPTYCH_URL },
    },
  });
  const [file] = positionals;
  const { set, format, category, url } = values;
  if (file === undefined || set === undefined || url === undefined) {
    throw new DiptychError('DIPTYCH_INVALID_INPUT', USAGE);
  }
  return { file, set, format, category, url: url.replace(/\/$/, '') };
}

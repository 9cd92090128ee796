/** `diptych export RUN --layout LAYOUT --out FOLDER`: asks a running service for an export and fetches it. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import PQueue from 'p-queue';
import { asError, DiptychError } from '../errors.ts';
import { LAYOUT_NAMES } from '../export/layouts/index.ts';
import { openClient } from './client.ts';
import { download } from './download.ts';
import { createProgressPrinter, formatBytes } from './progress.ts';

const USAGE = `npm run diptych -- export RUN --layout LAYOUT --out FOLDER [--options JSON] [--version VERSION] [--url URL]
  LAYOUT   ${LAYOUT_NAMES.join(', ')}
  JSON     reward, pairs, scores, filters, writer, as in POST /v1/runs/RUN/exports
  URL      of the service, or DIPTYCH_URL: the address that \`npm start\` prints`;

/** Files fetched at once. */
const CONCURRENCY = 8;

export async function exportCommand(args: readonly string[]): Promise<number> {
  try {
    const { run, url, out, body } = asked(args);
    const client = openClient(url);
    const { id } = await makeExport(client, run, body);

    await mkdir(out, { recursive: true });
    const queue = new PQueue({ concurrency: CONCURRENCY });
    const total = { fetched: 0, there: 0, bytes: 0 };
    let failed: unknown;
    for await (const file of client.exportFiles(id)) {
      if (failed) break;
      await queue.onSizeLessThan(CONCURRENCY);
      const fetching = queue.add(async () => {
        total[await download(url, file, out)]++;
        total.bytes += file.bytes;
      });
      fetching.catch((thrown) => {
        failed ??= thrown;
      });
    }
    await queue.onIdle();
    if (failed) throw failed;
    const kept = total.there > 0 ? `, ${total.there} of them there before` : '';
    console.log(
      `${total.fetched + total.there} files, ${formatBytes(total.bytes)}${kept}, every sha256 is right: ${out}`,
    );
    return 0;
  } catch (thrown) {
    console.error(asError(thrown).message);
    return 1;
  }
}

/** Asks for an export and shows its progress until it is there. Throws DIPTYCH_CONFLICT when it ended otherwise. */
export async function makeExport(
  client: ReturnType<typeof openClient>,
  run: string,
  body: Record<string, unknown>,
): Promise<{ id: string; version: string }> {
  const { id, version } = await client.askExport(run, body);
  console.log(`export ${id}, dataset version ${version}`);
  const printer = createProgressPrinter(process.stdout);
  const { status, error } = await client.watchRun(id, (view) => printer.show(view.stages, view.secondsLeft));
  if (status === 'succeeded') return { id, version };
  throw new DiptychError('DIPTYCH_CONFLICT', `the export ended as "${status}": ${error ?? 'see its events'}`);
}

function asked(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      layout: { type: 'string' },
      out: { type: 'string' },
      options: { type: 'string', default: '{}' },
      version: { type: 'string' },
      url: { type: 'string', default: process.env.DIPTYCH_URL },
    },
  });
  const [run] = positionals;
  const { layout, out, url, version } = values;
  if (run === undefined || layout === undefined || out === undefined || url === undefined) {
    throw new DiptychError('DIPTYCH_INVALID_INPUT', USAGE);
  }
  const body = { ...optionsOf(values.options), layout, ...(version === undefined ? {} : { version }) };
  return { run, url: url.replace(/\/$/, ''), out: path.resolve(out), body };
}

/** The rest of an export's request, as JSON. Throws DIPTYCH_INVALID_INPUT. */
export function optionsOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (thrown) {
    throw new DiptychError('DIPTYCH_INVALID_INPUT', `--options is "${text}": ${asError(thrown).message}`);
  }
}

/** `diptych export`: asks a running service for an export and fetches it. */
import path from 'node:path';
import type { Client, ExportRequest } from '../../clients/typescript/client.ts';
import { downloadExport } from '../../clients/typescript/files.ts';
import { DiptychError } from '../errors.ts';
import { type Asked, EXIT, type ServiceValues, serviceOf } from './command.ts';
import type { Output } from './output.ts';
import { formatBytes, progressBar } from './progress.ts';
import { settingsOf } from './settings.ts';
import { followBars } from './watch.ts';

interface ExportValues extends ServiceValues {
  layout: string;
  out: string;
  options: string | undefined;
  version: string | undefined;
}

export async function exportRun({ args: [run], values, out }: Asked<ExportValues>): Promise<number> {
  const { layout, version } = values;
  const options = await settingsOf('--options', values.options);
  const folder = path.resolve(values.out);
  const client = serviceOf(values);
  const made = await makeExport(client, run!, { ...options, layout, ...(version && { version }) }, out);
  const printer = out.progress();
  const bar = progressBar('fetch');
  const done = await downloadExport(client, made.id, folder, ({ files, bytes }, all) => {
    printer.show(...bar(files, all.files, bytes / all.bytes));
  });
  const kept = done.there > 0 ? `, ${done.there} of them there before` : '';
  out.result(
    { id: made.id, version: made.version, layout, folder, ...done },
    `${done.files} files, ${formatBytes(done.bytes)}${kept}, every sha256 is right: ${folder}`,
  );
  return EXIT.done;
}

/** Asks for an export and shows its progress until it is there. Throws DIPTYCH_CONFLICT when it ended otherwise. */
export async function makeExport(
  client: Client,
  run: string,
  body: Record<string, unknown>,
  out: Output,
): Promise<{ id: string; version: string }> {
  const { id, version } = await client.askExport(run, body as ExportRequest);
  out.note(`export ${id}, dataset version ${version}`);
  const { status, error } = await followBars(client, id, out);
  if (status === 'succeeded') return { id, version };
  throw new DiptychError('DIPTYCH_CONFLICT', `the export ended as "${status}": ${error ?? 'see its events'}`);
}

/** `diptych import`: points a service at files, or sends them. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Client, ImportRequest } from '../../clients/typescript/client.ts';
import { streamOf } from '../../clients/typescript/files.ts';
import { filesBelow } from '../import/files.ts';
import { type Asked, type ServiceValues, serviceOf } from './command.ts';
import type { Output } from './output.ts';
import { formatBytes, progressBar } from './progress.ts';
import { settingsOf } from './settings.ts';
import { exitOfRun, followBars } from './watch.ts';

const LOCAL = ['127.0.0.1', 'localhost', '[::1]'];

interface ImportValues extends ServiceValues {
  as: string;
  set: string;
  score: boolean;
  settings: string | undefined;
  upload: boolean;
}

export async function importFiles({ args, values, out }: Asked<ImportValues>): Promise<number> {
  const source = path.resolve(args[0]!);
  const { as, set: annotationSet, score } = values;
  const settings = await settingsOf('--settings', values.settings);
  const client = serviceOf(values);
  // A service elsewhere can't see the disk of this machine.
  const isSent = values.upload || !LOCAL.includes(new URL(client.url).hostname);
  const upload = isSent ? randomUUID() : undefined;
  if (upload) await send(client, upload, source, out);
  const body = { as, annotationSet, score, settings, ...(upload ? { upload } : { path: source }) };
  const { id } = await client.askImport(body as ImportRequest);
  out.note(`import ${id}`);
  const run = await followBars(client, id, out);
  if (upload) await client.deleteUpload(upload);
  out.result(
    run,
    run.status === 'succeeded'
      ? `train on it with "sourceRun": "${id}"; its candidates: ${client.url}/v1/runs/${id}/candidates`
      : `the import ended as "${run.status}", and nothing of it is stored: ${run.error ?? 'see its events'}`,
  );
  return exitOfRun(run);
}

async function send(client: Client, upload: string, source: string, out: Output): Promise<void> {
  const files = await filesBelow(source);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const printer = out.progress();
  const bar = progressBar('send');
  let sent = 0;
  for (const [i, { name, path: file, bytes }] of files.entries()) {
    await client.upload(upload, name, streamOf(file));
    sent += bytes;
    printer.show(...bar(i + 1, files.length, total === 0 ? 1 : sent / total));
  }
  out.note(`sent ${files.length} files, ${formatBytes(sent)}`);
}

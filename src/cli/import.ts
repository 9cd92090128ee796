/** `diptych import FILE|FOLDER --as KIND --set SET`: points a running service at files, or sends them. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { IMPORT_KINDS } from '../../pipelines/settings.ts';
import { asError, DiptychError } from '../errors.ts';
import { filesBelow } from '../import/files.ts';
import { openClient } from './client.ts';
import { createProgressPrinter, formatBytes } from './progress.ts';

const USAGE = `npm run diptych -- import FILE|FOLDER --as KIND --set SET [--score] [--settings JSON] [--upload] [--url URL]
  KIND      ${IMPORT_KINDS.join(', ')} (docs/imports.md)
  SET       annotation set that they go to; of images the one that has their annotations
  --score   score the images as a curation does
  JSON      clip, pick, scoring, reward, pairs, as in POST /v1/imports
  --upload  send the files, also to a service on this machine
  URL       of the service, or DIPTYCH_URL: the address that \`npm start\` prints`;

const LOCAL = ['127.0.0.1', 'localhost', '[::1]'];

export async function importCommand(args: readonly string[]): Promise<number> {
  try {
    const { source, url, isSent, body } = asked(args);
    const client = openClient(url);
    const upload = isSent ? randomUUID() : undefined;
    if (upload) await send(client, upload, source);
    const { id } = await client.askImport({ ...body, ...(upload ? { upload } : { path: source }) });
    console.log(`import ${id}`);
    const printer = createProgressPrinter(process.stdout);
    const { status, error } = await client.watchRun(id, (view) =>
      printer.show(view.stages, view.secondsLeft),
    );
    if (upload) await client.deleteUpload(upload);
    if (status !== 'succeeded') {
      throw new DiptychError(
        'DIPTYCH_CONFLICT',
        `the import ended as "${status}", and nothing of it is stored: ${error ?? 'see its events'}`,
      );
    }
    console.log(`train on it with "sourceRun": "${id}"; its candidates: ${url}/v1/runs/${id}/candidates`);
    return 0;
  } catch (thrown) {
    console.error(asError(thrown).message);
    return 1;
  }
}

async function send(client: ReturnType<typeof openClient>, upload: string, source: string): Promise<void> {
  const files = await filesBelow(source);
  let sent = 0;
  for (const { name, path: file, bytes } of files) {
    await client.upload(upload, name, createReadStream(file));
    sent += bytes;
  }
  console.log(`sent ${files.length} files, ${formatBytes(sent)}`);
}

function asked(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      as: { type: 'string' },
      set: { type: 'string' },
      score: { type: 'boolean', default: false },
      settings: { type: 'string', default: '{}' },
      upload: { type: 'boolean', default: false },
      url: { type: 'string', default: process.env.DIPTYCH_URL },
    },
  });
  const { as, set: annotationSet, score, settings, upload, url } = values;
  const [source] = positionals;
  if (source === undefined || as === undefined || annotationSet === undefined || url === undefined) {
    throw new DiptychError('DIPTYCH_INVALID_INPUT', USAGE);
  }
  return {
    source: path.resolve(source),
    url: url.replace(/\/$/, ''),
    // A service elsewhere can't see the disk of this machine.
    isSent: upload || !LOCAL.includes(new URL(url).hostname),
    body: { as, annotationSet, score, settings: jsonOf(settings) },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new DiptychError('DIPTYCH_INVALID_INPUT', `--settings is "${text}": ${asError(thrown).message}`);
  }
}

/**
 * Ingest, run, follow, export: `node clients/typescript/example.ts [ANNOTATIONS] [OUT]` (Node 22.18 or newer), with the
 * address of a service in DIPTYCH_URL.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { openClient } from './client.ts';
import { downloadExport, streamOf } from './files.ts';

const [annotations = 'models/sample/annotations.json', out = 'out'] = process.argv.slice(2);
const client = openClient(process.env.DIPTYCH_URL!, { key: process.env.DIPTYCH_API_KEY });

const { received, rejected } = await client.ingest('shapes', streamOf(annotations));
console.log(`${received} records, ${rejected} rejected`);

// Every setting has a default; a wrong one is an error of the compiler, and of the service.
const settings = { sampling: { steps: 12 } };
const run = await client.createRun({ kind: 'curate', annotationSet: 'shapes', settings });
const ended = await client.watchRun(run.id, ({ status, secondsLeft }) =>
  console.log(`${status}, ${secondsLeft} s left`),
);
if (ended.status !== 'succeeded') throw new Error(ended.error ?? ended.status);
for await (const { type, at } of client.events(run.id)) console.log(at, type);

// Any route of the OpenAPI document, typed.
const { items } = await client.answered(
  client.api.GET('/v1/runs/{id}/candidates', { params: { path: { id: run.id }, query: { limit: 1 } } }),
);
console.log(items[0]);

const asked = await client.askExport(run.id, { layout: 'pickapic' });
await client.watchRun(asked.id);
const { files, bytes } = await downloadExport(client, asked.id, out);
const manifest = JSON.parse(await readFile(path.join(out, 'manifest.json'), 'utf8'));
console.log(`version ${manifest.version}: ${files} files, ${bytes} bytes, every sha256 is right`);

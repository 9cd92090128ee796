/** `npm run clients`: writes what clients/ has of the API, from its OpenAPI document. A test tells when it is out of date. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';
import { buildApp } from '../src/api/app.ts';
import type { Services } from '../src/api/services.ts';
import { pythonApi } from './python-api.ts';

const CLIENTS = path.resolve(import.meta.dirname, '../clients');

export async function openApiDocument(): Promise<OpenAPI3> {
  // Routes look at what they work with when they are asked; here none is.
  const app = await buildApp({} as Services);
  await app.ready();
  const document = app.swagger() as OpenAPI3;
  await app.close();
  return document;
}

/** The text of each file that is written. */
export async function clientFiles(): Promise<Record<string, string>> {
  const document = await openApiDocument();
  const types = await openapiTS(document, { alphabetize: true, defaultNonNullable: false });
  return {
    [path.join(CLIENTS, 'typescript/schema.d.ts')]:
      `/** Written by \`npm run clients\`; not by hand. */\n${astToString(types)}`,
    [path.join(CLIENTS, 'python/diptych_client/api.py')]: pythonApi(document as never),
  };
}

if (process.argv[1] === import.meta.filename) {
  for (const [file, text] of Object.entries(await clientFiles())) await writeFile(file, text);
}

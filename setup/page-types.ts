/** `npm run page-types`: writes the types that the pages have of the API, from its OpenAPI document. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';
import { buildApp } from '../src/api/app.ts';
import type { Services } from '../src/api/services.ts';

export const PAGE_TYPES = path.resolve(import.meta.dirname, '../ui/src/api/schema.d.ts');

export async function pageTypes(): Promise<string> {
  // Routes look at what they work with when they are asked; here none is.
  const app = await buildApp({} as Services);
  await app.ready();
  const types = await openapiTS(app.swagger() as OpenAPI3, {
    alphabetize: true,
    defaultNonNullable: false,
  });
  await app.close();
  return `/** Written by \`npm run page-types\`; not by hand. */\n${astToString(types)}`;
}

if (process.argv[1] === import.meta.filename) await writeFile(PAGE_TYPES, await pageTypes());

/** `npm run cli-docs`: brings what docs/cli.md says of the commands up to date. A test tells when it is not. */
import { readFileSync, writeFileSync } from 'node:fs';
import { DOCS, withCliDocs } from '../src/cli/docs.ts';

writeFileSync(DOCS, withCliDocs(readFileSync(DOCS, 'utf8')));

/** `npm run layout-docs`: brings the tables in docs/exports.md up to date. A test tells when they are not. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withLayoutDocs } from '../src/export/layout-docs.ts';

const page = path.join(import.meta.dirname, '..', 'docs', 'exports.md');
writeFileSync(page, withLayoutDocs(readFileSync(page, 'utf8')));

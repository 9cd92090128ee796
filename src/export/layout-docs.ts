/** What docs/exports.md says of each layout, made of the same tables as its files. */
import { fieldTable } from './dataset-card.ts';
import type { Layout } from './layout.ts';
import { LAYOUT_NAMES, LAYOUTS } from './layouts/index.ts';

export const DOCS_BEGIN = '<!-- layouts: npm run layout-docs -->';
export const DOCS_END = '<!-- /layouts -->';

export function layoutDocs(): string {
  const sections = LAYOUT_NAMES.map((name) => {
    const { about, fields, tellsTies, filesOf } = LAYOUTS[name] as Layout;
    const notes = [
      ...(filesOf ? [`Files: \`${name}/${filesOf('train')}\`.`] : []),
      ...(tellsTies ? [] : ['No ties.']),
    ];
    return [`### ${name}`, '', [about, ...notes].join(' '), '', ...fieldTable(fields(['METRIC']))].join('\n');
  });
  return [DOCS_BEGIN, '', sections.join('\n\n'), '', DOCS_END].join('\n');
}

/** A page with what stands between the marks brought up to date. */
export function withLayoutDocs(page: string): string {
  const [before, rest] = page.split(DOCS_BEGIN);
  return `${before}${layoutDocs()}${rest!.split(DOCS_END)[1]}`;
}

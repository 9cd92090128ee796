/** README.md of an exported dataset, as Hugging Face reads it. */
import type { Layout } from './layout.ts';
import { SPLITS } from './rows.ts';
import type { Field } from './table.ts';

export interface CardFacts {
  layout: Layout;
  metrics: readonly string[];
  /** Rows by split; splits without rows have no files. */
  rows: Record<string, number>;
  /** Facts in "name: value" lines: mode, policy, model. */
  facts: Record<string, string>;
  /** Makes the export again. */
  command: string;
}

export function datasetCard({ layout, metrics, rows, facts, command }: CardFacts): string {
  const present = SPLITS.filter((split) => (rows[split] ?? 0) > 0);
  const loadable = layout.filesOf ? present : [];
  return [
    '---',
    ...(loadable.length > 0 ? ['configs:', '- config_name: default', '  data_files:'] : []),
    ...loadable.map((split) => `  - split: ${split}\n    path: ${layout.filesOf!(split)}`),
    'tags:',
    '- diptych',
    '- text-to-image',
    '- preference',
    '---',
    '',
    `# ${layout.title}`,
    '',
    layout.about,
    '',
    ...present.map((split) => `- ${split}: ${rows[split]} rows`),
    ...Object.entries(facts).map(([name, value]) => `- ${name}: ${value}`),
    '',
    'Made again, byte for byte, with the address of the service in `DIPTYCH_URL`, by',
    '',
    '```',
    command,
    '```',
    '',
    ...fieldTable(layout.fields(metrics)),
    '',
  ].join('\n');
}

/** Aligned, as the formatter of the repository's own pages has it. */
export function fieldTable(fields: readonly Field[]): string[] {
  const rows = [
    ['column', 'type', 'meaning'],
    ...fields.map(({ name, type, about }) => [`\`${name}\``, type, about]),
  ];
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
  const line = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const [header, ...rest] = rows.map(line);
  return [header!, line(widths.map((width) => '-'.repeat(width))), ...rest];
}

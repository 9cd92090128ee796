/** README.md of an exported dataset, as Hugging Face reads it. */
import type { Column } from './table.ts';

export interface CardFacts {
  title: string;
  about: string;
  columns: readonly Column[];
  /** Rows by split; splits without rows have no files. */
  splits: Record<string, number>;
  /** Facts in "name: value" lines: mode, policy, model. */
  facts: Record<string, string>;
}

export function datasetCard({ title, about, columns, splits, facts }: CardFacts): string {
  const present = Object.entries(splits).filter(([, rows]) => rows > 0);
  return [
    '---',
    'configs:',
    '- config_name: default',
    '  data_files:',
    ...present.map(([split]) => `  - split: ${split}\n    path: data/${split}-*.parquet`),
    'tags:',
    '- diptych',
    '- text-to-image',
    '- preference',
    '---',
    '',
    `# ${title}`,
    '',
    about,
    '',
    ...present.map(([split, rows]) => `- ${split}: ${rows} rows`),
    ...Object.entries(facts).map(([name, value]) => `- ${name}: ${value}`),
    '',
    '| column | type | meaning |',
    '|---|---|---|',
    ...columns.map(({ name, type, about: meaning }) => `| ${name} | ${type} | ${meaning} |`),
    '',
  ].join('\n');
}

/** The paper's tables and the Frechet distances as HTML. */
import { escaped } from './escaped.ts';
import { ENOUGH_IMAGES, type FrechetResult, type PaperColumn, type PaperTable } from './paper-tables.ts';

/** Empty where nothing was measured. */
export function paperHtml(tables: readonly PaperTable[], frechet: readonly FrechetResult[]): string {
  const parts = [...tables.filter(({ columns }) => columns.length > 0).map(tableHtml), frechetHtml(frechet)];
  const html = parts.filter(Boolean).join('\n');
  return html && `<h2>In the paper's columns</h2>\n${html}`;
}

/** A row per model, and one for the difference with its interval. */
function tableHtml({ title, columns }: PaperTable): string {
  const head = columns.map(
    ({ name, better }) => `<th>${name} ${better === 'higher' ? '&uarr;' : '&darr;'}</th>`,
  );
  const row = (name: string, cell: (column: PaperColumn) => string) =>
    `<tr><td>${name}</td>${columns.map((column) => `<td>${cell(column)}</td>`).join('')}</tr>`;
  return `<h3>${escaped(title)}</h3><table><tr><th></th>${head.join('')}</tr>
${row('base', ({ base }) => base.toFixed(4))}
${row('tuned', ({ tuned }) => tuned.toFixed(4))}
${row('difference', difference)}</table>`;
}

function difference({ base, tuned, interval95 }: PaperColumn): string {
  return signed(tuned - base) + (interval95 ? ` ${range(interval95)}` : '');
}

const range = (interval: readonly number[]) => `[${interval.map(signed).join(', ')}]`;

function frechetHtml(results: readonly FrechetResult[]): string {
  if (results.length === 0) return '';
  const rows = results.map(
    ({ features, of, against, distance, counts, interval95 }) =>
      `<tr><td>${NAMES[features]}</td><td>${escaped(of)} (${counts[0]})</td><td>${escaped(against)} (${counts[1]})</td><td>${distance.toFixed(4)}</td><td>${interval95 ? range(interval95) : ''}</td></tr>`,
  );
  const few = Math.min(...results.flatMap(({ counts }) => counts));
  const warning =
    few < ENOUGH_IMAGES
      ? `<p><b>Of ${few} images.</b> With fewer than ${ENOUGH_IMAGES} in a set a Frechet distance comes out too
large, by more the fewer there are: compare it only with distances of as many images.</p>`
      : '';
  return `<h3>Frechet distances</h3><table><tr><th>features</th><th>of (images)</th><th>against (images)</th><th>distance</th><th>less base's, 95%</th></tr>
${rows.join('\n')}</table>
${warning}`;
}

const NAMES: Record<FrechetResult['features'], string> = { clip: 'CLIP', inception: 'Inception (FID)' };

const signed = (value: number) => `${value >= 0 ? '+' : ''}${value.toFixed(4)}`;

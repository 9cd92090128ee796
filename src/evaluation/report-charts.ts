/** Small SVG charts for the report: no script, no outside file. */
import { mean } from '../mean.ts';
import type { Comparison } from './bootstrap.ts';
import { escaped } from './escaped.ts';
import type { ValidationCurve } from './validation-curves.ts';

const WIDTH = 420;
const HEIGHT = 140;
const PAD = { left: 54, right: 10, top: 10, bottom: 22 };

export interface Series {
  name: string;
  colour: string;
  values: readonly number[];
  /** Optimizer step of each value; 1, 2, ... when left out. */
  steps?: readonly number[];
}

/** Lines over optimizer steps, each point the mean over a window so that trends show. */
export function lineChart(title: string, series: readonly Series[]): string {
  const lines = chartLines(series);
  if (lines === '') return '';
  // One line needs no legend: the title names it.
  const legend = (series.length > 1 ? series : [])
    .map(({ name, colour }) => `<span style="color:${colour}">&#9632; ${escaped(name)}</span>`)
    .join(' ');
  return `<figure><figcaption>${escaped(title)} ${legend}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">
${lines}
</svg></figure>`;
}

const TITLE_HEIGHT = 22;
const LEGEND_LINE = 14;
/** A bit more than most letters are wide at the size of a legend: how wide they are is known to the reader alone. */
const LETTER = 5.8;

/** Charts beside and below each other as one SVG file; several lines in one are named below the title. */
export function chartSheet(
  charts: readonly { title: string; series: readonly Series[] }[],
  mostColumns: number,
): string {
  const columns = Math.min(mostColumns, charts.length);
  const legends = charts.map(({ series }) => (series.length > 1 ? legendLines(series) : []));
  const headHeight = TITLE_HEIGHT + LEGEND_LINE * Math.max(1, ...legends.map((lines) => lines.length));
  const drawn = charts.map(({ title, series }, i) => {
    const [left, top] = [(i % columns) * WIDTH, Math.floor(i / columns) * (HEIGHT + headHeight)];
    const legend = legends[i]!.map((named, line) => {
      const names = named.map(
        ({ name, colour }) => `<tspan dx="6" fill="${colour}">&#9632; ${escaped(name)}</tspan>`,
      );
      return `<text x="4" y="${31 + LEGEND_LINE * line}">${names.join('')}</text>`;
    });
    return `<g transform="translate(${left} ${top})"><text x="10" y="16" font-size="12">${escaped(title)}</text>${legend.join('')}
<g transform="translate(0 ${headHeight})">${chartLines(series)}</g></g>`;
  });
  const [width, height] = [columns * WIDTH, Math.ceil(charts.length / columns) * (HEIGHT + headHeight)];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui,sans-serif" font-size="10">
<rect width="${width}" height="${height}" fill="#fff"/>
${drawn.join('\n')}
</svg>
`;
}

/** As many names in a line as fit beside each other. */
function legendLines(series: readonly Series[]): Series[][] {
  const widthOf = ({ name }: Series) => 6 + LETTER * (2 + name.length);
  const lines: Series[][] = [];
  let left = 0;
  for (const one of series) {
    left -= widthOf(one);
    if (left >= 0) lines.at(-1)!.push(one);
    else {
      lines.push([one]);
      left = WIDTH - widthOf(one);
    }
  }
  return lines;
}

/** A chart's SVG elements; empty without values. */
export function chartLines(series: readonly Series[]): string {
  const smoothed = series.map((s) => ({ ...s, points: windowMeans(s) }));
  const all = smoothed.flatMap(({ points }) => points.map(({ value }) => value));
  if (all.length === 0) return '';
  const { x, y, axes } = plotOf(
    all,
    Math.max(...series.map(({ steps, values }) => steps?.at(-1) ?? values.length)),
  );
  const lines = smoothed.map(({ points, colour }) => {
    const path = points.map(({ step, value }) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${path}"/>`;
  });
  return `${axes}\n${lines.join('\n')}`;
}

/** Scales of a plot from step 0 to the last one that holds all values; its axes name the extremes. */
function plotOf(values: readonly number[], last: number) {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (high === low) [low, high] = [low - 1, high + 1];
  const x = (step: number) => PAD.left + ((WIDTH - PAD.left - PAD.right) * step) / last;
  const y = (value: number) =>
    HEIGHT - PAD.bottom - ((HEIGHT - PAD.top - PAD.bottom) * (value - low)) / (high - low);
  const axes = `<text x="${PAD.left - 4}" y="${y(high) + 4}" text-anchor="end">${short(high)}</text>
<text x="${PAD.left - 4}" y="${y(low)}" text-anchor="end">${short(low)}</text>
<text x="${PAD.left}" y="${HEIGHT - 6}">0</text>
<text x="${WIDTH - PAD.right}" y="${HEIGHT - 6}" text-anchor="end">step ${last}</text>
<line x1="${PAD.left}" y1="${HEIGHT - PAD.bottom}" x2="${WIDTH - PAD.right}" y2="${HEIGHT - PAD.bottom}" stroke="#999"/>`;
  return { x, y, axes };
}

/** Values of a run that diverged may be no numbers; they leave a gap. */
function windowMeans({ values, steps }: Series): { step: number; value: number }[] {
  const known = values
    .map((value, i) => ({ step: steps?.[i] ?? i + 1, value }))
    .filter(({ value }) => Number.isFinite(value));
  const size = Math.max(1, Math.round(known.length / 40));
  return Array.from({ length: Math.ceil(known.length / size) }, (_, i) => {
    const window = known.slice(i * size, (i + 1) * size);
    return { step: mean(window.map(({ step }) => step)), value: mean(window.map(({ value }) => value)) };
  });
}

/**
 * The model's mean at every measured step, its paired interval against the base as a band around it, and the base as a
 * dashed line. Empty while there is the base alone.
 */
export function bandChart({ name, points }: ValidationCurve): string {
  if (points.length < 2) return '';
  const bounds = points.map(({ base, interval95: [low, high] }) => [base + low, base + high] as const);
  const values = [...points.flatMap(({ base, tuned }) => [base, tuned]), ...bounds.flat()];
  const { x, y, axes } = plotOf(values, points.at(-1)!.step);
  const at = (step: number, value: number) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`;
  const [upper, lower] = [1, 0].map((side) => points.map(({ step }, i) => at(step, bounds[i]![side]!)));
  const lines = points.map(({ step, tuned }) => at(step, tuned));
  const base = y(points[0]!.base).toFixed(1);
  return `<figure><figcaption>${escaped(name)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(name)} over training steps">
${axes}
<polygon fill="#1f5fbf" fill-opacity="0.15" points="${[...upper!, ...lower!.reverse()].join(' ')}"/>
<line x1="${PAD.left}" x2="${WIDTH - PAD.right}" y1="${base}" y2="${base}" stroke="#999" stroke-dasharray="3 3"/>
<polyline fill="none" stroke="#1f5fbf" stroke-width="1.5" points="${lines.join(' ')}"/>
</svg></figure>`;
}

/** A dot with its interval per metric, against zero; each row has its own scale. */
export function intervalChart(metrics: Readonly<Record<string, Comparison>>): string {
  const rows = Object.entries(metrics).map(([name, { difference, interval95 }], i) => {
    const reach = Math.max(Math.abs(interval95[0]), Math.abs(interval95[1]), 1e-9) * 1.1;
    const x = (value: number) => 290 + (120 * value) / reach;
    const y = 16 + 22 * i;
    const colour = interval95[0] > 0 ? '#0a7a3b' : interval95[1] < 0 ? '#b3261e' : '#666';
    return `<text x="160" y="${y + 4}" text-anchor="end">${escaped(name)}</text>
<line x1="${x(interval95[0])}" x2="${x(interval95[1])}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="3"/>
<circle cx="${x(difference)}" cy="${y}" r="4" fill="${colour}"/>`;
  });
  const height = 16 + 22 * rows.length;
  return `<figure><figcaption>tuned - base with 95% interval, each metric on its own scale</figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="differences with intervals">
<line x1="290" x2="290" y1="4" y2="${height - 6}" stroke="#999" stroke-dasharray="3 3"/>
${rows.join('\n')}
</svg></figure>`;
}

const short = (value: number) =>
  Math.abs(value) < 1e-3 && value !== 0 ? value.toExponential(1) : value.toFixed(3);

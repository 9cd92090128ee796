/** The report of an evaluation: one static HTML page with everything in it. */
import type { Comparison } from './bootstrap.ts';
import { escaped } from './escaped.ts';
import type { FrechetResult, PaperTable } from './paper-tables.ts';
import { paperHtml } from './paper-tables-html.ts';
import { intervalChart, lineChart, type Series } from './report-charts.ts';

export interface ReportImage {
  /** Encoded PNG. */
  png: Uint8Array;
  reward: number;
}

/** One held-out annotation under both models with equal seeds. */
export interface ReportPicture {
  prompt: string;
  base: ReportImage;
  tuned: ReportImage;
}

/** Of a step; what an objective does not have is no curve. */
export interface ReportTelemetry {
  loss: number;
  gradNorm: number;
  accuracy?: number;
  winnerError?: number;
  loserError?: number;
  /** Of images that the policy drew itself. */
  reward?: number;
}

export interface ReportContent {
  title: string;
  facts: Record<string, string>;
  metrics: Record<string, Comparison>;
  tables: readonly PaperTable[];
  frechet: readonly FrechetResult[];
  /** Per optimizer step; empty when the model was not trained here. */
  telemetry: readonly ReportTelemetry[];
  /** What went wrong on the way, in words. */
  alarms: readonly { step: number; message: string }[];
  /** Drawn without looking at the results. */
  pictures: readonly ReportPicture[];
  /** Largest gains and losses of reward. */
  extremes: readonly ReportPicture[];
  settings: unknown;
}

const STYLE = `
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse}td,th{padding:.25rem .8rem;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}.up{color:#0a7a3b}.down{color:#b3261e}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(22rem,1fr));gap:1rem}
figure{margin:0}figcaption{font-size:.85rem;color:#555}svg{width:100%;height:auto}svg text{font:10px system-ui}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}
.pictures img{width:7rem;height:7rem;image-rendering:pixelated;border:1px solid #ccc}
.pictures p{margin:.2rem 0;font-size:.85rem}.two{display:flex;gap:.4rem}.two div{font-size:.75rem;color:#555}
.alarms{color:#b3261e}
pre{background:#f5f5f5;padding:1rem;overflow:auto;font-size:.8rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}
dt{color:#555}dd{margin:0}`;

export function reportHtml(content: ReportContent): string {
  const { title, facts, metrics, tables, frechet, telemetry, alarms, pictures, extremes, settings } = content;
  const factRows = Object.entries(facts).map(
    ([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title><style>${STYLE}</style></head><body>
<h1>${escaped(title)}</h1>
<dl>${factRows.join('')}</dl>
<h2>Held-out annotations: base against tuned</h2>
${table(metrics)}
<p>Equal seeds under both models; the interval is a paired bootstrap over annotations; a win is an annotation with
the higher value, ties count half.</p>
<div class="charts">${intervalChart(metrics)}</div>
${paperHtml(tables, frechet)}
${telemetry.length > 0 ? `<h2>Training</h2>${alarmList(alarms)}<div class="charts">${trainingCharts(telemetry)}</div>` : ''}
<h2>Pictures</h2><p>The first held-out annotations in their order, not chosen by result. Left base, right tuned.</p>
${gallery(pictures)}
<h2>Largest changes of reward</h2>${gallery(extremes)}
<h2>Settings</h2><pre>${escaped(JSON.stringify(settings, null, 2))}</pre>
</body></html>
`;
}

function table(metrics: Readonly<Record<string, Comparison>>): string {
  const rows = Object.entries(metrics).map(([name, m]) => {
    const sure = m.interval95[0] > 0 ? 'up' : m.interval95[1] < 0 ? 'down' : '';
    return `<tr><td>${escaped(name)}</td><td>${m.base.toFixed(4)}</td><td>${m.tuned.toFixed(4)}</td>
<td class="${sure}">${signed(m.difference)}</td><td>[${signed(m.interval95[0])}, ${signed(m.interval95[1])}]</td>
<td>${(100 * m.winRate).toFixed(1)}%</td><td>${m.count}</td></tr>`;
  });
  const heads = ['metric', 'base', 'tuned', 'difference', '95% interval', 'win rate', 'annotations'];
  return `<table><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr>${rows.join('')}</table>`;
}

function trainingCharts(telemetry: readonly ReportTelemetry[]): string {
  const of = (name: string, key: keyof ReportTelemetry, colour: string): Series => ({
    name,
    colour,
    values: telemetry.map((entry) => entry[key] ?? Number.NaN),
  });
  return [
    lineChart('loss', [of('loss', 'loss', '#1f5fbf')]),
    lineChart('implicit accuracy', [of('accuracy', 'accuracy', '#1f5fbf')]),
    lineChart('error against the reference', [
      of('winner', 'winnerError', '#0a7a3b'),
      of('loser', 'loserError', '#b3261e'),
    ]),
    lineChart('mean reward of the images trained on', [of('reward', 'reward', '#0a7a3b')]),
    lineChart('gradient norm', [of('gradient norm', 'gradNorm', '#7a4fbf')]),
  ].join('\n');
}

function alarmList(alarms: ReportContent['alarms']): string {
  const items = alarms.map(({ step, message }) => `<li>Step ${step}: ${escaped(message)}.</li>`);
  return items.length > 0 ? `<ul class="alarms">${items.join('\n')}</ul>` : '<p>No alarm was raised.</p>';
}

function gallery(pictures: readonly ReportPicture[]): string {
  const image = (name: string, { png, reward }: ReportImage) =>
    `<div><img alt="${name}" src="data:image/png;base64,${Buffer.from(png).toString('base64')}"><br>${name} ${reward.toFixed(3)}</div>`;
  const cards = pictures.map(
    ({ prompt, base, tuned }) =>
      `<div><div class="two">${image('base', base)}${image('tuned', tuned)}</div><p>${escaped(prompt)}</p></div>`,
  );
  return `<div class="pictures">${cards.join('\n')}</div>`;
}

const signed = (value: number) => `${value >= 0 ? '+' : ''}${value.toFixed(4)}`;

/** Pretraining's logs as one picture. */
import { writeFile } from 'node:fs/promises';
import { CHART_SIZE, chartLines } from '../../src/evaluation/report-charts.ts';
import type { RunLog } from './run-log.ts';

const CHARTS = [
  { log: 'diffusion', field: 'loss', title: 'diffusion: log10 of the loss', scale: Math.log10 },
  { log: 'diffusion-evaluation', field: 'dpg', title: 'diffusion: DPG score of held-out scenes' },
  { log: 'diffusion-evaluation', field: 'relation', title: 'diffusion: relations right' },
  { log: 'clip', field: 'accuracy', title: 'CLIP: own caption found among 128' },
] satisfies { log: string; field: string; title: string; scale?(x: number): number }[];
const COLUMNS = 2;
const [WIDTH, HEIGHT] = CHART_SIZE;
const TITLE_HEIGHT = 24;

export async function writeCurves(file: string, log: RunLog): Promise<void> {
  const charts = CHARTS.map(({ log: name, field, title, scale = (x: number) => x }, i) => {
    const entries = log.read(name).filter((entry) => entry[field] !== undefined);
    const values = entries.map((entry) => scale(entry[field]!));
    const steps = entries.map(({ step }) => step);
    const [left, top] = [(i % COLUMNS) * WIDTH, Math.floor(i / COLUMNS) * (HEIGHT + TITLE_HEIGHT)];
    return `<g transform="translate(${left} ${top})"><text x="10" y="16" font-size="12">${title}</text>
<g transform="translate(0 ${TITLE_HEIGHT})">${chartLines([{ name: field, colour: '#1f5fbf', values, steps }])}</g></g>`;
  });
  const [width, height] = [COLUMNS * WIDTH, Math.ceil(CHARTS.length / COLUMNS) * (HEIGHT + TITLE_HEIGHT)];
  await writeFile(
    file,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui,sans-serif" font-size="10">
<rect width="${width}" height="${height}" fill="#fff"/>
${charts.join('\n')}
</svg>
`,
  );
}

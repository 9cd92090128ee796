/** Pretraining's logs as one picture. */
import { writeFile } from 'node:fs/promises';
import { chartSheet } from '../../src/evaluation/report-charts.ts';
import type { RunLog } from './run-log.ts';

const CHARTS = [
  { log: 'diffusion', field: 'loss', title: 'diffusion: log10 of the loss', scale: Math.log10 },
  { log: 'diffusion-evaluation', field: 'dpg', title: 'diffusion: DPG score of held-out scenes' },
  { log: 'diffusion-evaluation', field: 'relation', title: 'diffusion: relations right' },
  { log: 'clip', field: 'accuracy', title: 'CLIP: own caption found among 128' },
] satisfies { log: string; field: string; title: string; scale?(x: number): number }[];

export async function writeCurves(file: string, log: RunLog): Promise<void> {
  const charts = CHARTS.map(({ log: name, field, title, scale = (x: number) => x }) => {
    const entries = log.read(name).filter((entry) => entry[field] !== undefined);
    const values = entries.map((entry) => scale(entry[field]!));
    const steps = entries.map(({ step }) => step);
    return { title, series: [{ name: field, colour: '#1f5fbf', values, steps }] };
  });
  await writeFile(file, chartSheet(charts, 2));
}

/** The study's pictures: reward over optimizer steps, what a training's own curves look like, and what an arm draws. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type RgbImage, tileImages } from '../../src/engine/image.ts';
import { encodePng } from '../../src/engine/png.ts';
import { chartSheet, type Series } from '../../src/evaluation/report-charts.ts';
import { type Cell, SAMPLES, TOLD_EVERY, type Told } from './cell.ts';
import type { Finding } from './findings.ts';
import { GUIDANCE } from './lab.ts';
import { YARDSTICK } from './plan.ts';
import type { ResultLine, Results } from './results.ts';
import { TUNING_SEED } from './scenes.ts';
import { comparedFindings } from './tables.ts';

const COLOURS = ['#1f5fbf', '#c2410c', '#0a7a3b', '#7c3aed', '#b3261e', '#0e7490', '#a16207', '#475569'];

/** Trainings of the tuning that docs/training.md shows beside each other: what it says of each is its name. */
const SHOWN = [
  { name: 'goes well', arm: YARDSTICK, learningRate: 1.5e-5, beta: 2000 },
  { name: 'rate too high', arm: YARDSTICK, learningRate: 4.5e-5, beta: 2000 },
  { name: 'beta too small', arm: YARDSTICK, learningRate: 1.5e-5, beta: 500 },
  { name: 'published form', arm: 'inversion-dpo published', learningRate: 5e-6, beta: 2000 },
] as const;

/** Writes the pictures whose trainings are there. */
export function writePictures(folder: string, results: Results): void {
  const write = (name: string, svg: string) => writeFileSync(path.join(folder, `${name}.svg`), svg);
  const shown = SHOWN.flatMap(({ name, arm, learningRate, beta }) => {
    const line = results.lines.find(
      ({ cell: { train, ...cell } }) =>
        cell.seed === TUNING_SEED &&
        cell.arm === arm &&
        train?.learningRate === learningRate &&
        train.beta === beta,
    );
    return line ? { name, line } : [];
  });
  if (shown.length === SHOWN.length) write('trainings', trainingCurves(shown));
  const findings = comparedFindings(results);
  if (findings.length > 1) write('reward-curves', rewardCurves(findings));
}

const LOOKS = { seed: 1, guidances: [1, GUIDANCE], images: 12, scale: 2 } as const;

/** What an arm draws: the first image of the first scenes beside each other, of one seed. */
export async function writeLook(
  folder: string,
  { arm, seed }: Cell,
  guidance: number,
  images: readonly RgbImage[],
): Promise<void> {
  if (seed !== LOOKS.seed || !LOOKS.guidances.some((shown) => shown === guidance)) return;
  const firsts = images.filter((_, k) => k % SAMPLES === 0).slice(0, LOOKS.images);
  const file = path.join(folder, 'looks', `${arm.replaceAll(/[ ,]+/g, '-')}-guidance-${guidance}.png`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, await encodePng(tileImages(firsts, LOOKS.images, LOOKS.scale)));
}

/** Reward of the quick measurement over steps, a chart for every few objectives, each with the yardstick in it. */
function rewardCurves(findings: readonly Finding[]): string {
  const first = findings.find(({ arm }) => arm === YARDSTICK);
  const others = findings.filter((finding) => finding !== first);
  const perChart = 3;
  const charts = Array.from({ length: Math.ceil(others.length / perChart) }, (_, i) => {
    const shown = [...(first ? [first] : []), ...others.slice(i * perChart, (i + 1) * perChart)];
    return {
      title: 'held-out reward',
      series: shown.map(
        ({ arm, curve }, k): Series => ({
          name: arm,
          colour: COLOURS[k]!,
          values: curve.map(({ reward }) => reward),
          steps: curve.map(({ step }) => step),
        }),
      ),
    };
  });
  return chartSheet(charts, 2);
}

/** The curves of some trainings, a line for each. */
function trainingCurves(trainings: readonly { name: string; line: ResultLine }[]): string {
  const chart = (title: string, told: Told) => ({
    title,
    series: trainings.map(({ name, line }, i): Series => {
      const values = line.result.telemetry[told] ?? [];
      return { name, colour: COLOURS[i]!, values, steps: values.map((_, k) => (k + 1) * TOLD_EVERY) };
    }),
  });
  return chartSheet(
    [
      chart('loss', 'loss'),
      chart('accuracy', 'accuracy'),
      chart('winner error', 'winnerError'),
      chart('loser error', 'loserError'),
    ],
    2,
  );
}

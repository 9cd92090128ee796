/** The study's curves as pictures: reward over optimizer steps, and what a training's own curves look like. */
import { chartSheet, type Series } from '../../src/evaluation/report-charts.ts';
import type { Finding } from './findings.ts';
import type { ResultLine } from './results.ts';

const COLOURS = ['#1f5fbf', '#c2410c', '#0a7a3b', '#7c3aed', '#b3261e', '#0e7490', '#a16207', '#475569'];
const TOLD_EVERY = 10;

/** Reward of the quick measurement over steps, a chart for every few objectives, each with the yardstick in it. */
export function rewardCurves(findings: readonly Finding[], yardstick: string): string {
  const first = findings.find(({ arm }) => arm === yardstick);
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

/** Loss, accuracy and both sides' errors of one training. */
export function trainingCurves({ result: { telemetry } }: ResultLine): string {
  const series = (name: keyof typeof telemetry, colour: string, label: string = name): Series => ({
    ...{ name: label, colour },
    values: telemetry[name] ?? [],
    steps: (telemetry[name] ?? []).map((_, i) => (i + 1) * TOLD_EVERY),
  });
  return chartSheet(
    [
      { title: 'loss', series: [series('loss', COLOURS[0]!)] },
      { title: 'implicit accuracy', series: [series('accuracy', COLOURS[0]!)] },
      {
        title: 'error against the reference:',
        series: [series('winnerError', COLOURS[2]!, 'winner'), series('loserError', COLOURS[4]!, 'loser')],
      },
    ],
    3,
  );
}

/** docs/study.md's tables out of the results: each stands between marks of its name, so that the words around it stay. */
import { compare } from '../../src/evaluation/bootstrap.ts';
import { mean } from '../../src/mean.ts';
import { hashSeed } from '../../src/random.ts';
import type { Arm } from './arms.ts';
import { ARMS } from './arms.ts';
import type { Cell, Drawn } from './cell.ts';
import { type Finding, findingOf, meanOverSeeds, REPORTED, stepsTo } from './findings.ts';
import { GUIDANCE } from './lab.ts';
import { ASKED_ABOUT, chosen, plannedCells, tuningCells, YARDSTICK } from './plan.ts';
import type { ResultLine, Results } from './results.ts';
import { COMPARED_SEEDS, TUNING_SEED } from './scenes.ts';

/** A document with every table in it made anew. Throws where a mark is missing. */
export function withTables(document: string, results: Results): string {
  return Object.entries(tablesOf(results)).reduce((text, [name, table]) => {
    const marked = new RegExp(`(<!-- table: ${name} -->\n)[^]*?(<!-- end -->)`);
    if (!marked.test(text)) throw new Error(`the document has no place for the table "${name}"`);
    return text.replace(marked, (_, before, after) => `${before}\n${table}\n\n${after}`);
  }, document);
}

function tablesOf(results: Results): Record<string, string> {
  const compared = comparedFindings(results);
  const planned = plannedCells(results);
  return {
    comparison: comparisonTable(compared),
    metrics: metricsTable(compared),
    tuning: tuningTable(results),
    guidance: guidanceTable(results),
    ...Object.fromEntries(
      QUESTIONS.map((of) => [
        of.part,
        metricsTable([...besideOf(of, compared), ...askedFindings(of, planned, results)]),
      ]),
    ),
  };
}

interface Question {
  part: string;
  /** Compared arms that its own are read beside, and what they are called there. */
  beside: Readonly<Record<string, string>>;
}

const QUESTIONS: readonly Question[] = [
  { part: 'steadier', beside: { [ASKED_ABOUT]: 'as it is', [YARDSTICK]: `${YARDSTICK}: as it is` } },
  { part: 'inversion steps', beside: { [ASKED_ABOUT]: '20' } },
  { part: 'timesteps', beside: { [ASKED_ABOUT]: 'one of 16 pairs' } },
  { part: 'pairs', beside: { [ASKED_ABOUT]: 'all' } },
  { part: 'reward', beside: { [ASKED_ABOUT]: 'mean of dpg and t2i-3in1' } },
  { part: 'precision', beside: { [ASKED_ABOUT]: 'float32' } },
];

const basesOf = ({ lines }: Results) =>
  lines.filter(({ cell }) => cell.part === 'base' && cell.seed !== TUNING_SEED);

/** Arms that are measured for all seeds with the settings that the tuning chose, best reward first. */
export function comparedFindings(results: Results): Finding[] {
  const bases = basesOf(results);
  if (bases.length < COMPARED_SEEDS.length) return [];
  return ARMS.flatMap((arm) => {
    const best = chosen(arm, results);
    const lines = best
      ? linesOf(
          results,
          COMPARED_SEEDS.map((seed) => ({ ...best, seed })),
        )
      : [];
    return findingOf(arm.name, lines, bases) ?? [];
  }).sort((a, b) => b.metrics.reward!.difference - a.metrics.reward!.difference);
}

const linesOf = (results: Results, cells: readonly Cell[]): ResultLine[] =>
  cells.flatMap((cell) => results.of(cell) ?? []);

const besideOf = ({ beside }: Question, compared: readonly Finding[]): Finding[] =>
  compared.filter(({ arm }) => arm in beside).map((finding) => ({ ...finding, arm: beside[finding.arm]! }));

/** Those that are measured for all seeds, in the order of the plan. */
function askedFindings({ part }: Question, planned: readonly Cell[], results: Results): Finding[] {
  const cells = planned.filter((cell) => cell.part === part);
  return [...new Set(cells.map(({ arm }) => arm))].flatMap((name) => {
    const lines = linesOf(
      results,
      cells.filter(({ arm }) => arm === name),
    );
    return findingOf(name, lines, basesOf(results)) ?? [];
  });
}

function comparisonTable(findings: readonly Finding[]): string {
  const yardstick = findings.find(({ arm }) => arm === YARDSTICK)?.curve.at(-1)?.reward;
  const rows = findings.map((finding) => {
    const { arm, lines, metrics, bySeed, diversity, curve } = finding;
    const { learningRate, beta } = lines[0]!.cell.train!;
    const reached = yardstick === undefined ? null : stepsTo(curve, yardstick);
    return [
      ...[arm, String(learningRate), String(beta ?? '-'), interval(metrics.reward!)],
      bySeed.map(({ difference }) => signed(difference)).join(', '),
      `${Math.round(100 * metrics.reward!.winRate)}%`,
      diversity.toFixed(3),
      reached === null ? 'not reached' : String(Math.round(reached)),
    ];
  });
  const heads = ['objective', 'learning rate', 'beta', 'reward', 'by seed', 'win rate', 'diversity'];
  return table([...heads, `steps to ${YARDSTICK}'s reward`], rows);
}

function metricsTable(findings: readonly Finding[]): string {
  return table(
    ['', ...REPORTED],
    findings.map(({ arm, metrics }) => [arm, ...REPORTED.map((name) => interval(metrics[name]!))]),
  );
}

function tuningTable(results: Results): string {
  const base = results.lines.find(({ cell }) => cell.part === 'base' && cell.seed === TUNING_SEED);
  if (!base) return '';
  const rows = ARMS.flatMap((arm: Arm) => {
    const best = chosen(arm, results);
    return tuningCells(arm, results).flatMap((cell) => {
      const line = results.of(cell);
      if (!line) return [];
      const { learningRate, beta } = cell.train!;
      const difference = signed(mean(line.result.measured.reward!) - mean(base.result.measured.reward!));
      const told = best && results.of(best) === line ? `**${difference}**` : difference;
      return [[arm.name, String(learningRate), String(beta ?? '-'), told]];
    });
  });
  return table(['objective', 'learning rate', 'beta', 'reward'], rows);
}

/** Each arm at each guidance, against the base at the guidance that the candidates were drawn with. */
function guidanceTable(results: Results): string {
  const lines = results.lines.filter(({ cell }) => cell.part === 'guidance');
  const drawnOf = (arm: string, guidance: number) =>
    lines
      .filter(({ cell }) => cell.arm === arm)
      .sort((a, b) => a.cell.seed - b.cell.seed)
      .map(({ result }) => result.drawn!.find((drawn) => drawn.guidance === guidance)!);
  const arms = ['base', ...ARMS.map(({ name }) => name)].filter(
    (arm) => lines.filter(({ cell }) => cell.arm === arm).length === COMPARED_SEEDS.length,
  );
  if (!arms.includes('base')) return '';
  const bases = drawnOf('base', GUIDANCE);
  const perScene = (drawn: readonly Drawn[]) => meanOverSeeds(drawn.map(({ reward }) => reward));
  const rows = arms.flatMap((arm) =>
    lines
      .find(({ cell }) => cell.arm === arm)!
      .result.drawn!.map(({ guidance }) => {
        const drawn = drawnOf(arm, guidance);
        const against = compare(perScene(bases), perScene(drawn), hashSeed('study-guidance', arm, guidance));
        const bySeed = drawn.map(({ reward }, i) => signed(mean(reward) - mean(bases[i]!.reward)));
        const grain = mean(drawn.map((of) => of.grain)).toFixed(1);
        return [arm, String(guidance), interval(against), bySeed.join(', '), grain];
      }),
  );
  return table(['objective', 'guidance', 'reward', 'by seed', 'grain'], rows);
}

const interval = ({ difference, interval95: [low, high] }: Finding['metrics'][string]) =>
  `${signed(difference)} [${signed(low)}, ${signed(high)}]`;

const signed = (x: number) => `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(3)}`;

/** Columns as wide as their widest cell, as Biome writes them. */
function table(heads: readonly string[], rows: readonly string[][]): string {
  const widths = heads.map((head, i) => Math.max(3, head.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

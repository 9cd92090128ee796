/**
 * Which cells the study wants, as far as the results so far tell: first each arm's settings on the tuning seed, then every
 * arm with its best settings on the others, then the other questions.
 */
import { DEFAULT_PAIRS, type PairSettings } from '../../src/preference/pairs.ts';
import { DEFAULT_REWARD, type RewardSettings } from '../../src/scoring/reward.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { ARMS, type Arm, LEARNING_RATES, MORE_RATES } from './arms.ts';
import type { Cell } from './cell.ts';
import type { Results } from './results.ts';
import { COMPARED_SEEDS, TUNING_SEED } from './scenes.ts';

/** The same for all arms. */
const COMMON = { steps: 150, pairsPerStep: 16, inversionSteps: 20 } as const;
/** The arm that the other questions are asked of. */
export const ASKED_ABOUT = 'inversion-dpo shared-noise';
const DEFAULT = 'inversion-dpo shared-noise, guided';
/** Guidance that a trained model is drawn with; its candidates were drawn with the last. */
const GUIDANCES = [1, 1.5, 2, 3] as const;
/** The arm whose final reward the others are measured by. */
export const YARDSTICK = 'diffusion-dpo';

/** All that can be told now, in the order in which to make them. */
export function plannedCells(results: Results): Cell[] {
  const bases = [TUNING_SEED, ...COMPARED_SEEDS].map((seed) => cellOf('base', 'base', seed, null));
  const arms = ARMS.flatMap((arm) => [...tuningCells(arm, results), ...compared(arm, results)]);
  return [...bases, ...arms, ...drawnAgain(results), ...questions(results)];
}

/** An arm's settings to choose from, as far as they are known. */
export function tuningCells(arm: Arm, results: Results): Cell[] {
  const cell = (settings: Partial<TrainSettings>) =>
    cellOf('tune', arm.name, TUNING_SEED, { ...COMMON, ...arm.train, ...settings });
  if (!arm.betas) return [...LEARNING_RATES, ...MORE_RATES].map((learningRate) => cell({ learningRate }));
  const [low, beta, high] = arm.betas;
  const rates = LEARNING_RATES.map((learningRate) => cell({ beta, learningRate }));
  const best = bestOf(rates, results);
  if (!best) return rates;
  const { learningRate } = best.train!;
  return [...rates, cell({ beta: low, learningRate }), cell({ beta: high, learningRate })];
}

/** The settings with the highest mean reward on the validation scenes; undefined until all of them are measured. */
function bestOf(cells: readonly Cell[], results: Results): Cell | undefined {
  const measured = cells.map((cell) => ({ cell, line: results.of(cell) }));
  if (measured.some(({ line }) => !line)) return undefined;
  const rewardOf = (index: number) => {
    const { reward } = measured[index]!.line!.result.measured;
    return reward!.reduce((sum, x) => sum + x, 0);
  };
  return cells.reduce(
    (best, cell, i) => (rewardOf(i) > rewardOf(cells.indexOf(best)) ? cell : best),
    cells[0]!,
  );
}

/** An arm's chosen settings; undefined until its tuning is whole. */
export function chosen(arm: Arm, results: Results): Cell | undefined {
  const cells = tuningCells(arm, results);
  return cells.length === LEARNING_RATES.length + MORE_RATES.length ? bestOf(cells, results) : undefined;
}

function compared(arm: Arm, results: Results): Cell[] {
  const best = chosen(arm, results);
  return best ? COMPARED_SEEDS.map((seed) => cellOf('compare', arm.name, seed, best.train)) : [];
}

/** The base and some arms with other guidances. */
function drawnAgain(results: Results): Cell[] {
  const trained = [DEFAULT, ASKED_ABOUT, YARDSTICK, 'sft'].map((name) => chosenNamed(name, results));
  if (trained.some((best) => !best)) return [];
  const arms = [{ arm: 'base', train: null }, ...trained.map((best) => best!)];
  return arms.flatMap(({ arm, train }) =>
    COMPARED_SEEDS.map((seed) => ({ ...cellOf('guidance', arm, seed, train), guidances: GUIDANCES })),
  );
}

/** What the paper leaves open, asked of the default without guidance, which costs half, with its chosen settings. */
function questions(results: Results): Cell[] {
  const best = chosenNamed(ASKED_ABOUT, results);
  if (!best) return [];
  const ask = (part: string, arm: string, change: Partial<Omit<Cell, 'part' | 'arm' | 'seed'>>) =>
    COMPARED_SEEDS.map((seed) => ({ ...cellOf(part, arm, seed, best.train), ...change }));
  const trained = (change: Partial<TrainSettings>) => ({ train: { ...best.train, ...change } });
  const rewarded = (weights: RewardSettings['weights'], margin: number) => ({
    reward: { policy: 'mean', weights } as const,
    pairs: { ...DEFAULT_PAIRS, margin },
  });
  return [
    ...STEADIER.flatMap(({ name, change }) => [
      ...ask('steadier', name, trained(change)),
      ...steadierYardstick(name, change, results),
    ]),
    ...[40, 80].flatMap((inversionSteps) =>
      ask('inversion steps', String(inversionSteps), trained({ inversionSteps })),
    ),
    ...ask('pairs', 'best against worst', { pairs: { ...DEFAULT_PAIRS, policy: 'best-worst' } }),
    ...ask('pairs', 'weighted by margin', trained({ rewardWeighted: true })),
    ...ask('reward', 'zmean', {
      reward: { ...DEFAULT_REWARD, policy: 'zmean' },
      pairs: { ...DEFAULT_PAIRS, margin: 0.2 },
    }),
    ...ask('reward', 'dominance', { reward: { ...DEFAULT_REWARD, policy: 'dominance' } }),
    ...ask('reward', 'dpg alone', rewarded({ dpg: 1 }, 0.05)),
    ...ask('reward', 't2i-3in1 alone', rewarded({ 't2i-3in1': 1 }, 0.05)),
    ...ask('reward', 'pickscore alone', rewarded({ pickscore: 1 }, 0)),
    ...ask('precision', 'bfloat16', trained({ precision: 'bfloat16' })),
    ...ask('timesteps', 'one of 4 pairs', trained({ pairsPerStep: 4 })),
    ...ask('timesteps', 'trajectory of 4 pairs', trained({ pairsPerStep: 4, rowsPerPair: 'trajectory' })),
  ];
}

/** What might make a training hang less on its seed, tried on the yardstick too. */
const STEADIER: readonly { name: string; change: Partial<TrainSettings> }[] = [
  { name: 'average of weights, decay 0.95', change: { ema: 0.95 } },
  { name: 'cosine learning rate', change: { schedule: 'cosine' } },
  { name: 'four timesteps a pair', change: { rowsPerPair: 4 } },
];

function steadierYardstick(name: string, change: Partial<TrainSettings>, results: Results): Cell[] {
  const best = chosenNamed(YARDSTICK, results);
  if (!best) return [];
  const train = { ...best.train, ...change };
  return COMPARED_SEEDS.map((seed) => cellOf('steadier', `${YARDSTICK}: ${name}`, seed, train));
}

const chosenNamed = (name: string, results: Results): Cell | undefined =>
  chosen(ARMS.find((arm) => arm.name === name)!, results);

function cellOf(part: string, arm: string, seed: number, train: Cell['train']): Cell {
  const pairs: PairSettings = DEFAULT_PAIRS;
  return { part, arm, seed, train, reward: DEFAULT_REWARD, pairs };
}

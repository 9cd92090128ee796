/** The tensors of one optimizer step: what the plans (rows.ts) ask for, read from the stored trajectories. */
import { seededNoise } from '../../diffusion/noise.ts';
import type { Engine, Tensor } from '../../engine/engine.ts';
import type { Pair } from '../../preference/pairs.ts';
import { hashSeed } from '../../random.ts';
import { endpointNoise, stateFromNoise, transitionNoise } from '../objectives/inversion-dpo.ts';
import type { TrajectoryStore } from '../trajectories/trajectory-store.ts';
import type { RowPlan } from './rows.ts';
import type { Ascent } from './self-inversion.ts';

export interface StepRows {
  /** States [R, S, S, C] of either side. */
  winner: Tensor;
  loser: Tensor;
  /** Noise that the predictions are compared with; null in the published forms, and before the policy has inverted. */
  winnerTarget: Tensor | null;
  loserTarget: Tensor | null;
  /** The models' timestep label and aBar of every row. */
  timesteps: number[];
  levels: number[];
  /** Of every row in the loss. */
  weights: number[];
  /** How the policy is to invert the images that the states then are, winners first; null: it is not. */
  ascents: Ascent[] | null;
}

interface Entry {
  pair: Pair;
  plan: RowPlan;
}

/** Row k * pairs + b is row k of pair b. `index`: where a candidate lies in the store. */
export async function loadRows(
  engine: Engine,
  trajectories: Pick<TrajectoryStore, 'shape' | 'read'>,
  index: ReadonlyMap<string, number>,
  batch: readonly Pair[],
  plans: readonly RowPlan[][],
): Promise<StepRows> {
  const { tf } = engine;
  const entries = plans[0]!.flatMap((_, k) => batch.map((pair, b) => ({ pair, plan: plans[b]![k]! })));
  const read = stateReader(engine, trajectories, index, entries);
  const winnerId = ({ pair }: Entry) => pair.winner;
  const loserId = ({ pair }: Entry) => pair.loser;
  const levels = entries.map(({ plan }) => plan.level);
  const common = {
    ...{ timesteps: entries.map(({ plan }) => plan.t), levels, ascents: null },
    weights: entries.map(({ plan }) => plan.weight),
  };
  const first = entries[0]!.plan;

  if (first.ascent) {
    const [winner, loser] = [await read(winnerId, () => 0), await read(loserId, () => 0)];
    const side = (name: string) =>
      entries.map(({ plan }) => ({ ...plan.ascent!, seed: hashSeed(name, plan.ascent!.seed) }));
    const ascents = [...side('winner'), ...side('loser')];
    return { ...common, winner, loser, winnerTarget: null, loserTarget: null, ascents };
  }

  if (first.state === null) {
    const images: [Tensor, Tensor] = [await read(winnerId, () => 0), await read(loserId, () => 0)];
    const noise = await noiseOf(engine, entries, levels, images, read);
    const [winner, loser] = images.map((image) => tf.tidy(() => stateFromNoise(tf, image, noise, levels)));
    tf.dispose(images);
    return { ...common, winner: winner!, loser: loser!, winnerTarget: noise, loserTarget: noise.clone() };
  }
  const winner = await read(winnerId, (plan) => plan.state!);
  const loser = await read(loserId, (plan) => plan.state!);
  if (first.towards === null) return { ...common, winner, loser, winnerTarget: null, loserTarget: null };
  const target = async (who: (entry: Entry) => string, from: Tensor) => {
    const to = await read(who, (plan) => plan.towards!.state);
    const toLevels = entries.map(({ plan }) => plan.towards!.level);
    const noise = tf.tidy(() => transitionNoise(tf, from, to, levels, toLevels));
    to.dispose();
    return noise;
  };
  return {
    ...common,
    winner,
    loser,
    winnerTarget: await target(winnerId, winner),
    loserTarget: await target(loserId, loser),
  };
}

export function disposeRows({ winner, loser, winnerTarget, loserTarget }: StepRows): void {
  for (const tensor of [winner, loser, winnerTarget, loserTarget]) tensor?.dispose();
}

type ReadStates = (who: (entry: Entry) => string, state: (plan: RowPlan) => number) => Promise<Tensor>;

/** Reads one stored state per entry into a tensor [R, S, S, C]. */
function stateReader(
  { tf }: Engine,
  trajectories: Pick<TrajectoryStore, 'shape' | 'read'>,
  index: ReadonlyMap<string, number>,
  entries: readonly Entry[],
): ReadStates {
  return async (who, state) => {
    const parts = await Promise.all(
      entries.map((entry) => trajectories.read(index.get(who(entry))!, state(entry.plan))),
    );
    const size = parts[0]!.length;
    const joined = new Float32Array(entries.length * size);
    for (const [i, part] of parts.entries()) joined.set(part, i * size);
    return tf.tensor(joined, [entries.length, ...trajectories.shape], 'float32');
  };
}

/** The noise that both images of a pair get: fresh, or what the inversion of one of them found. */
async function noiseOf(
  { tf }: Engine,
  entries: readonly Entry[],
  levels: readonly number[],
  [winner, loser]: readonly [Tensor, Tensor],
  read: ReadStates,
): Promise<Tensor> {
  if (entries[0]!.plan.freshNoise !== null) {
    const seeds = entries.map(({ plan }) => plan.freshNoise!);
    return seededNoise(tf, seeds, winner.shape.slice(1));
  }
  const isWinners = ({ plan }: Entry) => plan.noiseOf === 'winner';
  const state = await read(
    (entry) => (isWinners(entry) ? entry.pair.winner : entry.pair.loser),
    (plan) => plan.noiseState!,
  );
  const noise = tf.tidy(() => {
    const choice = tf.tensor(entries.map(isWinners), [entries.length, 1, 1, 1], 'bool');
    return endpointNoise(tf, state, tf.where(choice, winner, loser) as Tensor, levels);
  });
  state.dispose();
  return noise;
}

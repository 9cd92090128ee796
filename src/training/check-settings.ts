/** Settings that are fine one by one, and make no sense together. */
import { DiptychError } from '../errors.ts';
import { ON_POLICY } from './on-policy/objective.ts';
import { OBJECTIVE } from './pairs/objective.ts';
import { firstPoint } from './pairs/rows.ts';
import { DEFAULT_TRAIN, isOnPolicy, ON_POLICY_OBJECTIVES, type TrainSettings } from './settings.ts';

/** Throws DIPTYCH_INVALID_INPUT, naming the settings that don't go together. */
export function checkTrainSettings(settings: TrainSettings): void {
  const clash = CLASHES.map((find) => find(settings)).find((found) => found !== null);
  if (clash) throw new DiptychError('DIPTYCH_INVALID_INPUT', clash);
}

const CLASHES: ((settings: TrainSettings) => string | null)[] = [
  ({ objective, form }) =>
    objective !== 'inversion-dpo' && form !== DEFAULT_TRAIN.form
      ? `train.form is "${form}", but train.objective is "${objective}"; only inversion-dpo has forms`
      : null,
  ({ objective, timestepWeights }) =>
    objective !== 'inversion-dpo' && timestepWeights !== undefined
      ? `train.timestepWeights is "${timestepWeights}", but train.objective is "${objective}"; only inversion-dpo weighs timesteps`
      : null,
  ({ objective, rowsPerPair }) =>
    objective !== 'inversion-dpo' && rowsPerPair === 'trajectory'
      ? `train.rowsPerPair is "trajectory", but train.objective is "${objective}"; only inversion-dpo has whole trajectories. Give a number`
      : null,
  ({ objective, keptTimesteps }) =>
    objective !== 'inversion-dpo' && keptTimesteps !== undefined
      ? `train.keptTimesteps is ${keptTimesteps}, but train.objective is "${objective}"; only inversion-dpo stores trajectories`
      : null,
  (settings) => {
    const { objective, form, stride, inversionSteps, keptTimesteps, rowsPerPair = 1 } = settings;
    if (objective !== 'inversion-dpo') return null;
    const points = inversionSteps - firstPoint(settings);
    const left = `train.inversionSteps is ${inversionSteps}, which leaves ${points} timesteps to form "${form}"`;
    if (form === 'transition' && points < 1)
      return `train.stride is ${stride}, but train.inversionSteps is ${inversionSteps}; it must be more than the stride`;
    if (keptTimesteps !== undefined && keptTimesteps > points)
      return `train.keptTimesteps is ${keptTimesteps}, but ${left}`;
    if (rowsPerPair === 'trajectory') return null;
    if (keptTimesteps !== undefined && rowsPerPair > keptTimesteps)
      return `train.rowsPerPair is ${rowsPerPair}, but train.keptTimesteps is ${keptTimesteps}; it must be as many or more`;
    return rowsPerPair > points ? `train.rowsPerPair is ${rowsPerPair}, but ${left}` : null;
  },
  ({ objective, beta }) => {
    if (isOnPolicy(objective)) return null;
    const { largestBeta = Number.POSITIVE_INFINITY } = OBJECTIVE[objective];
    return beta > largestBeta
      ? `train.beta is ${beta}, but train.objective is "${objective}", where beta is the weight of the preference; give at most ${largestBeta}`
      : null;
  },
  ({ objective, beta }) => {
    if (!isOnPolicy(objective)) return null;
    const { largestBeta = Number.POSITIVE_INFINITY, clip } = ON_POLICY[objective];
    return beta > largestBeta
      ? `train.beta is ${beta}, but train.objective is "${objective}", which holds ratios within ${1 - clip} and ${1 + clip}; give at most ${largestBeta} (0.1 is the released one)`
      : null;
  },
  ({ objective, onPolicy }) =>
    onPolicy && !isOnPolicy(objective)
      ? `train.onPolicy is given, but train.objective is "${objective}", which draws nothing; ${ON_POLICY_OBJECTIVES.join(' and ')} do`
      : null,
  ({ objective, rewardWeighted }) =>
    isOnPolicy(objective) && rewardWeighted
      ? `train.rewardWeighted is true, but train.objective is "${objective}", which has no pairs to weigh`
      : null,
  ({ objective, precision }) =>
    isOnPolicy(objective) && precision !== DEFAULT_TRAIN.precision
      ? `train.precision is "${precision}", but train.objective is "${objective}", which holds ratios of densities closer than its digits tell apart; take "float32"`
      : null,
  ({ objective, rewardWeighted }) =>
    objective === 'smpo' && rewardWeighted
      ? 'train.rewardWeighted is true, but train.objective is "smpo", whose labels follow the margins already'
      : null,
  ({ objective, accumulate }) =>
    objective === 'kto' && accumulate > 1
      ? `train.accumulate is ${accumulate}, but train.objective is "kto", which measures each image against its whole batch`
      : null,
  ({ pairsPerStep, accumulate }) =>
    pairsPerStep % accumulate !== 0
      ? `train.accumulate is ${accumulate}, but train.pairsPerStep is ${pairsPerStep}; it must be a multiple of it`
      : null,
  ({ schedule, warmUp, steps }) =>
    schedule === 'cosine' && warmUp >= steps
      ? `train.warmUp is ${warmUp}, but train.steps is ${steps}; nothing is left to train.schedule "cosine"`
      : null,
  ({ lora, freeze }) =>
    lora && freeze
      ? `train.freeze is ${JSON.stringify(freeze)}, but train.lora leaves all weights as they are; leave one of the two out`
      : null,
];

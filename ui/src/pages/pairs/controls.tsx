/** The policy: how metrics become a reward, and rewards pairs. */
import { PAIR_POLICIES, type PairSettings, TIE_RULES } from '../../../../src/preference/pairs.ts';
import { REWARD_POLICIES, type RewardSettings } from '../../../../src/scoring/reward.ts';
import { METRICS } from '../../components/metrics.ts';

interface Policy {
  reward: RewardSettings;
  pairs: PairSettings;
}

interface Props {
  metrics: readonly string[];
  policy: Policy;
  /** The run's. */
  own: Policy;
  onChange(policy: Policy): void;
}

const ABOUT: Readonly<Record<string, string>> = {
  mean: 'Weighted mean of the raw values',
  zmean: 'Weighted mean of z-scores over the run: a metric of small spread has its full vote',
  dominance: 'As the mean, and the winner must be at least as good on every metric',
  all: 'Every two candidates of an annotation',
  'best-worst': 'The best against the worst: one pair an annotation',
  'best-rest': 'The best against each other one',
  drop: 'Ties make no pair',
  keep: 'Ties make a pair, the earlier candidate as winner',
};

const [MAX_WEIGHT, MAX_MARGIN] = [3, 0.5];
/** A difference of z-scores is that much larger than one of values between 0 and 1. */
const MAX_Z_MARGIN = 3;

export function Controls({ metrics, policy, own, onChange }: Props) {
  const { reward, pairs } = policy;
  const setReward = (part: Partial<RewardSettings>) =>
    onChange({ ...policy, reward: { ...reward, ...part } });
  const setPairs = (part: Partial<PairSettings>) => onChange({ ...policy, pairs: { ...pairs, ...part } });
  return (
    <form class="panel controls" aria-label="Policy">
      <header>
        <h2>Policy</h2>
        <button class="button quiet" type="button" disabled={policy === own} onClick={() => onChange(own)}>
          As in the run
        </button>
      </header>
      <div class="body">
        <Choice
          label="Reward"
          value={reward.policy}
          of={REWARD_POLICIES}
          onChange={(value) => setReward({ policy: value })}
        />
        <fieldset class="weights">
          <legend>Weights</legend>
          {metrics.map((name) => (
            <Slider
              key={name}
              label={name}
              title={METRICS[name]}
              value={reward.weights[name] ?? 0}
              max={MAX_WEIGHT}
              step={0.1}
              digits={1}
              onChange={(value) => setReward({ weights: { ...reward.weights, [name]: value } })}
            />
          ))}
        </fieldset>
        <Choice
          label="Pairs"
          value={pairs.policy}
          of={PAIR_POLICIES}
          onChange={(value) => setPairs({ policy: value })}
        />
        <Slider
          label="Margin"
          title="Rewards that differ by this much or less are a tie"
          value={pairs.margin}
          max={reward.policy === 'zmean' ? MAX_Z_MARGIN : MAX_MARGIN}
          step={0.005}
          digits={3}
          onChange={(margin) => setPairs({ margin })}
        />
        <Choice
          label="Ties"
          value={pairs.ties}
          of={TIE_RULES}
          onChange={(value) => setPairs({ ties: value })}
        />
        <button
          class="button"
          type="button"
          title="Paste it into a new run's settings"
          onClick={() => void navigator.clipboard.writeText(JSON.stringify(policy, null, 2))}
        >
          Copy as settings of a run
        </button>
      </div>
    </form>
  );
}

interface ChoiceProps<Value extends string> {
  label: string;
  value: Value;
  of: readonly Value[];
  onChange(value: Value): void;
}

const Choice = <Value extends string>({ label, value, of, onChange }: ChoiceProps<Value>) => (
  <label class="field">
    <span class="label">{label}</span>
    <select value={value} onChange={(event) => onChange(event.currentTarget.value as Value)}>
      {of.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
    <span class="hint">{ABOUT[value]}</span>
  </label>
);

interface SliderProps {
  label: string;
  title?: string;
  value: number;
  max: number;
  step: number;
  digits: number;
  onChange(value: number): void;
}

const Slider = ({ label, title, value, max, step, digits, onChange }: SliderProps) => (
  <label class="slider" title={title}>
    <span class="small">{label}</span>
    <input
      type="range"
      min={0}
      max={max}
      step={step}
      value={value}
      onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
    />
    <output class="small number">{value.toFixed(digits)}</output>
  </label>
);

/** What a trainer will see under a policy; the pairs are formed here, with the functions that training uses. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { wilsonInterval } from '../../../../src/evaluation/wilson.ts';
import { DEFAULT_PAIRS, type Pair, type PairSettings } from '../../../../src/preference/pairs.ts';
import { DEFAULT_REWARD, type RewardSettings } from '../../../../src/scoring/reward.ts';
import type { ItemCandidate, RunItem } from '../../api/client.ts';
import { useRunItems } from '../../api/run-items.ts';
import { useRunVotes } from '../../api/run-votes.ts';
import { CutNote } from '../../components/cut-note.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { Histogram } from '../../components/histogram.tsx';
import { Page } from '../../components/page.tsx';
import { Picture } from '../../components/picture.tsx';
import { hasCandidates, RunPicker, usePickedRun } from '../../components/run-picker.tsx';
import { useScales } from '../../components/use-scales.ts';
import { VirtualList } from '../../components/virtual-list.tsx';
import { count, percent, score as shown } from '../../format.ts';
import { metricsOf } from '../gallery/rows.ts';
import { Controls } from './controls.tsx';
import { binned, type Figures, figuresOf } from './figures.ts';
import './pairs.css';

const BINS = 40;

interface Policy {
  reward: RewardSettings;
  pairs: PairSettings;
}

export default function Pairs() {
  const picked = usePickedRun(hasCandidates);
  const { run } = picked;
  const { items, complete, cut, error } = useRunItems(run?.id ?? null);
  const votes = useRunVotes(run?.id ?? null);
  const own = useMemo((): Policy => {
    const settings = run?.settings as Partial<Policy> | undefined;
    return { reward: settings?.reward ?? DEFAULT_REWARD, pairs: settings?.pairs ?? DEFAULT_PAIRS };
  }, [run?.id]);
  const [policy, setPolicy] = useState(own);
  useEffect(() => setPolicy(own), [own]);
  const metrics = useMemo(() => metricsOf(items), [items]);
  const scales = useScales(policy.reward, items);
  const usable = Object.values(policy.reward.weights).some((weight) => weight > 0);
  const figures = useMemo(
    () => (scales && usable ? figuresOf(items, policy.reward, scales, policy.pairs, votes.data ?? []) : null),
    [items, policy, scales, usable, votes.data],
  );

  return (
    <Page
      title="Pairs"
      about="What the trainer will see. Change the policy: nothing is scored again."
      actions={<RunPicker {...picked} />}
    >
      <ErrorNote error={picked.error ?? error ?? votes.error} />
      <CutNote cut={cut} />
      {picked.runs && !run && (
        <Empty title="No candidates to pair yet">
          <p>Pairs are formed of scored candidates. Start a run that curates, then come back.</p>
          <a class="button primary" href="/">
            Go to the runs
          </a>
        </Empty>
      )}
      {run && complete && metrics.length === 0 && (
        <Empty title="Nothing is scored yet">
          <p>Pairs can be formed once the score stage has measured candidates.</p>
          <a class="button" href={`/runs/${run.id}`}>
            See how far it is
          </a>
        </Empty>
      )}
      {metrics.length > 0 && (
        <div class="pairs-page">
          <Controls metrics={metrics} policy={policy} own={own} onChange={setPolicy} />
          <div class="results">
            {!usable && <p class="error-note">Every weight is 0. Give one metric a say to form pairs.</p>}
            {figures && run && (
              <Result run={run.id} figures={figures} margin={policy.pairs.margin} items={items} />
            )}
          </div>
        </div>
      )}
    </Page>
  );
}

interface ResultProps {
  run: string;
  figures: Figures;
  margin: number;
  items: readonly RunItem[];
}

function Result({ run, figures, margin, items }: ResultProps) {
  const { pairs, annotations, possible, meanMargin, rewards, people } = figures;
  const all = binned(rewards, BINS);
  const range: [number, number] = [all.from, all.to];
  const winners = binned(
    pairs.map(({ winnerReward }) => winnerReward),
    BINS,
    range,
  );
  const losers = binned(
    pairs.map(({ loserReward }) => loserReward),
    BINS,
    range,
  );
  const margins = binned(
    pairs.map((pair) => pair.margin),
    BINS,
    [0, Math.max(0.01, all.to - all.from)],
  );
  return (
    <>
      <dl class="figures" aria-live="polite">
        <div>
          <dt>Pairs</dt>
          <dd>{count(pairs.length)}</dd>
          <dd class="small faint">
            {possible > 0 ? `${percent(pairs.length / possible)} of ${count(possible)} possible` : ''}
          </dd>
        </div>
        <div>
          <dt>Annotations paired</dt>
          <dd>{count(annotations)}</dd>
          <dd class="small faint">of {count(items.length)}</dd>
        </div>
        <div>
          <dt>Mean margin</dt>
          <dd>{shown(meanMargin)}</dd>
        </div>
        <div>
          <dt>Ties</dt>
          <dd>{count(pairs.filter(({ tie }) => tie).length)}</dd>
          <dd class="small faint">kept as pairs</dd>
        </div>
        <Agreement {...{ run, people }} />
      </dl>
      <div class="charts">
        <div class="panel body">
          <Histogram
            label="Reward"
            from={all.from}
            to={all.to}
            series={[
              { name: 'winners', counts: winners.counts },
              { name: 'losers', counts: losers.counts },
            ]}
          />
        </div>
        <div class="panel body">
          <Histogram
            label="Margin"
            from={margins.from}
            to={margins.to}
            series={[{ name: 'pairs', counts: margins.counts }]}
            line={margin}
          />
        </div>
      </div>
      <PairList pairs={pairs} items={items} />
    </>
  );
}

/** How the policy alone, without votes, does on the pairs that people decided. */
function Agreement({
  run,
  people: { decided, toldApart, same },
}: {
  run: string;
  people: Figures['people'];
}) {
  const share = toldApart > 0 ? same / toldApart : null;
  return (
    <div>
      <dt>Agrees with votes</dt>
      <dd>{share === null ? '–' : percent(share)}</dd>
      <dd class="small faint">
        {decided === 0 ? (
          <a href={`/vote?run=${run}`}>Nobody has voted</a>
        ) : (
          `${count(same)} of ${count(toldApart)} told apart; people decided ${count(decided)}`
        )}
        {share !== null && (
          <span class="block">{`95%: ${wilsonInterval(share, toldApart).map(percent).join(' to ')}`}</span>
        )}
      </dd>
    </div>
  );
}

const [ROW_HEIGHT, SIZE] = [88, 64];

/** The closest calls first: they are the ones to doubt. */
function PairList({ pairs, items }: { pairs: readonly Pair[]; items: readonly RunItem[] }) {
  const [selected, setSelected] = useState(0);
  const closest = useMemo(() => pairs.toSorted((a, b) => a.margin - b.margin), [pairs]);
  const { images, prompts } = useMemo(() => {
    const byId = new Map<string, ItemCandidate>();
    for (const { candidates } of items) for (const one of candidates) byId.set(one.id, one);
    return { images: byId, prompts: new Map(items.map(({ imgId, prompt }) => [imgId, prompt])) };
  }, [items]);
  if (closest.length === 0) {
    return (
      <Empty title="No pair under this policy">
        <p>Lower the margin, keep ties, or give another metric a say.</p>
      </Empty>
    );
  }
  return (
    <section class="panel" aria-labelledby="closest">
      <header>
        <h2 id="closest">Closest calls</h2>
        <span class="small soft">winner, then loser</span>
      </header>
      <div class="pair-list">
        <VirtualList
          label="Pairs, smallest margin first"
          count={closest.length}
          rowHeight={ROW_HEIGHT}
          selected={Math.min(selected, closest.length - 1)}
          onSelect={setSelected}
          keyOf={(index) => `${closest[index]!.winner}-${closest[index]!.loser}`}
          row={(index) => {
            const { winner, loser, winnerReward, loserReward, margin, annotationId, tie, votes } =
              closest[index]!;
            return (
              <div class="pair">
                <Picture image={images.get(winner)!} size={SIZE} alt="Winner" />
                <Picture image={images.get(loser)!} size={SIZE} alt="Loser" />
                <div>
                  <div class="small prompt">{prompts.get(annotationId)}</div>
                  <div class="small faint number">
                    {shown(winnerReward)} against {shown(loserReward)} · margin {shown(margin)}
                    {tie && ' · tie'}
                    {votes && ` · votes ${votes.winner} to ${votes.loser}`}
                  </div>
                </div>
              </div>
            );
          }}
        />
      </div>
    </section>
  );
}

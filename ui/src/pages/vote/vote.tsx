/** Votes: who votes, on which run, in which way; one comparison after the other. */

import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { Run } from '../../api/client.ts';
import { Empty } from '../../components/empty.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { Page } from '../../components/page.tsx';
import { ProgressBar } from '../../components/progress-bar.tsx';
import { hasCandidates, hasEvaluation, RunPicker, usePickedRun } from '../../components/run-picker.tsx';
import { count } from '../../format.ts';
import { Ballot } from './ballot.tsx';
import { Result } from './result.tsx';
import { keyOf, useBallot, type VoteMode } from './use-ballot.ts';
import './vote.css';

const MODES: Record<VoteMode, { name: string; about: string; suits(run: Run): boolean }> = {
  pair: { name: 'Two images', about: 'Which image shows the scene better?', suits: hasCandidates },
  rank: { name: 'Rank all', about: 'Choose the best image, then the next best.', suits: hasCandidates },
  study: {
    name: 'User study',
    about: 'Which image do you prefer? One is of the base model, one of the tuned one.',
    suits: (run) => hasEvaluation(run) && run.stages.some(({ name }) => name === 'evaluate: score'),
  },
};

export default function Vote() {
  const picked = usePickedRun((run) => hasCandidates(run) || hasEvaluation(run));
  const { query, route } = useLocation();
  const [voter, setVoter] = useState(() => localStorage.getItem('voter') ?? '');
  const { run, runs, error } = picked;
  const modes = run ? (Object.keys(MODES) as VoteMode[]).filter((mode) => MODES[mode].suits(run)) : [];
  const mode = modes.find((one) => one === query.mode) ?? modes[0];

  function choose(name: string): void {
    localStorage.setItem('voter', name);
    setVoter(name);
  }
  return (
    <Page title="Vote" about={mode && <span>{MODES[mode].about}</span>} actions={<RunPicker {...picked} />}>
      <ErrorNote error={error} />
      {runs?.length === 0 && !run && (
        <Empty title="There is nothing to vote on yet.">
          <p>Start a run: when its images are scored, people can say here which they prefer.</p>
          <a class="button primary" href="/">
            Go to the runs
          </a>
        </Empty>
      )}
      {run && mode && (
        <>
          <div class="vote-bar">
            {modes.length > 1 && (
              <fieldset class="modes" aria-label="What to compare">
                {modes.map((one) => (
                  <button
                    key={one}
                    class={one === mode ? 'button primary' : 'button'}
                    type="button"
                    aria-pressed={one === mode}
                    onClick={() => route(`/vote?run=${run.id}&mode=${one}`)}
                  >
                    {MODES[one].name}
                  </button>
                ))}
              </fieldset>
            )}
            {voter && (
              <span class="small soft">
                {`You vote as ${voter}. `}
                <button class="link" type="button" onClick={() => choose('')}>
                  Somebody else
                </button>
              </span>
            )}
          </div>
          {voter ? (
            <Voting key={`${run.id} ${mode} ${voter}`} {...{ run, mode, voter }} />
          ) : (
            <WhoVotes onName={choose} />
          )}
        </>
      )}
    </Page>
  );
}

function WhoVotes({ onName }: { onName(name: string): void }) {
  const [name, setName] = useState('');
  return (
    <form
      class="panel who"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim()) onName(name.trim());
      }}
    >
      <label class="field">
        <span class="label">Who votes?</span>
        <input
          value={name}
          maxLength={60}
          autocomplete="nickname"
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <span class="hint">
          Votes are counted by name. It stays in this browser and this service; exports hold a number.
        </span>
      </label>
      <button class="button primary" type="submit">
        Begin
      </button>
    </form>
  );
}

function Voting({ run, mode, voter }: { run: Run; mode: VoteMode; voter: string }) {
  const ballot = useBallot(run.id, voter, mode);
  const { queue, judged, total, lastVote, error, busy, vote, undo } = ballot;
  const current = queue?.[0];
  const done = queue?.length === 0 && !busy && !error;
  const canUndo = lastVote !== null || judged > 0;
  return (
    <>
      <div class="progress">
        <ProgressBar label="Voted" fraction={total > 0 ? judged / total : 0} />
        <span class="number small soft" role="status">{`${count(judged)} of ${count(total)} judged`}</span>
      </div>
      <ErrorNote error={error} />
      {current && (
        <Ballot key={keyOf(current)} comparison={current} {...{ canUndo }} onVote={vote} onUndo={undo} />
      )}
      {done && (
        <Empty
          title={total === 0 ? 'There is nothing of this kind to judge here.' : 'You have judged everything.'}
        >
          {total > 0 && <p>Thank you. Others can vote too; the result is below.</p>}
          {canUndo && (
            <button class="button" type="button" onClick={undo}>
              Undo the last vote
            </button>
          )}
        </Empty>
      )}
      <Result run={run.id} mode={mode} turn={`${judged} ${busy}`} />
    </>
  );
}

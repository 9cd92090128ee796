/** The votes so far. Folded away: who sees how it stands votes otherwise. */
import { useState } from 'preact/hooks';
import { answered, api, type VoteSummary } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { count } from '../../format.ts';
import type { VoteMode } from './use-ballot.ts';

/** `turn`: changes when there may be another result. */
export function Result({ run, mode, turn }: { run: string; mode: VoteMode; turn: string }) {
  const [open, setOpen] = useState(false);
  const { data, error } = useResource(open ? `votes/${run}/${turn}` : null, () =>
    answered(api.GET('/v1/runs/{id}/votes/summary', { params: { path: { id: run } } })),
  );
  return (
    <details class="panel result" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <h2>Result so far</h2>
        <span class="soft small">Look when you have voted: knowing how it stands sways.</span>
      </summary>
      <div class="body">
        <ErrorNote error={error} />
        {data && data.voters.length === 0 && <p class="soft">Nobody has voted on this run yet.</p>}
        {data && data.voters.length > 0 && <Numbers summary={data} mode={mode} />}
      </div>
    </details>
  );
}

function Numbers({ summary, mode }: { summary: VoteSummary; mode: VoteMode }) {
  const { study, voters, machine, judged, decided, left } = summary;
  const agreement = mode === 'study' ? study?.agreement : summary.agreement;
  return (
    <>
      <dl class="facts">
        {mode === 'study' ? (
          <Fact name="Tuned model preferred">
            {study ? <Share share={study.winRate} interval95={study.interval95} /> : 'no votes yet'}
            {study && (
              <span class="soft small">{`${study.annotations} annotations: ${study.tuned} tuned, ${study.base} base, ${study.neither} neither`}</span>
            )}
          </Fact>
        ) : (
          <>
            <Fact name="The reward agrees with people">
              <Share {...machine} />
            </Fact>
            <Fact name="Pairs of images judged">
              {count(judged)}
              <span class="soft small">{`one preferred in ${count(decided)}`}</span>
            </Fact>
          </>
        )}
        <Fact name="Agreement of voters (kappa)">
          {agreement?.kappa == null ? '–' : agreement.kappa.toFixed(2)}
          {agreement && agreement.voters.length > 0 && (
            <span class="soft small">{`${agreement.voters.reduce((sum, { count }) => sum + count, 0)} shared judgements`}</span>
          )}
        </Fact>
        <Fact name="The left one preferred">
          <Share {...left} />
        </Fact>
      </dl>
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col">Voter</th>
              <th scope="col" class="number">
                Votes
              </th>
              <th scope="col" class="number">
                Good
              </th>
              <th scope="col" class="number">
                Bad
              </th>
              <th scope="col" class="number">
                Median time
              </th>
              {mode !== 'study' && (
                <th scope="col" class="number">
                  With the reward
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {voters.map(({ voter, votes, outcomes, medianSeconds, machine }) => (
              <tr key={voter}>
                <td>{voter}</td>
                <td class="number">{count(votes)}</td>
                <td class="number">{count(outcomes['both-good'])}</td>
                <td class="number">{count(outcomes['both-bad'])}</td>
                <td class="number">{`${medianSeconds.toFixed(1)} s`}</td>
                {mode !== 'study' && (
                  <td class="number">{machine.share === null ? '–' : percent(machine.share)}</td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

const Fact = ({ name, children }: { name: string; children: preact.ComponentChildren }) => (
  <div>
    <dt class="small soft">{name}</dt>
    <dd>{children}</dd>
  </div>
);

function Share({ share, interval95 }: { share: number | null; interval95: number[] | null }) {
  if (share === null || interval95 === null) return <>–</>;
  return (
    <>
      {percent(share)}
      <span class="soft small">{`95%: ${interval95.map(percent).join(' to ')}`}</span>
    </>
  );
}

const percent = (share: number) => `${(100 * share).toFixed(0)}%`;

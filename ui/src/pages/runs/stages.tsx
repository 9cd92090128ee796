/** The stages of a run: how far each is, how fast, what it lost. */
import type { Run, Stage } from '../../api/client.ts';
import { ProgressBar } from '../../components/progress-bar.tsx';
import { Status } from '../../components/status.tsx';
import { count, duration, percent } from '../../format.ts';

export const Stages = ({ run }: { run: Run }) => (
  <section class="panel" aria-labelledby="stages">
    <header>
      <h2 id="stages">Stages</h2>
      {run.status === 'paused' && <span class="small soft">paused</span>}
      {run.secondsLeft !== null && <span class="small soft">{duration(run.secondsLeft)} left</span>}
    </header>
    <ol class="stages">
      {run.stages.map((stage) => (
        <StageRow key={stage.name} stage={stage} paused={run.status === 'paused'} />
      ))}
    </ol>
  </section>
);

function StageRow({ stage, paused }: { stage: Stage; paused: boolean }) {
  const status = paused && stage.status === 'running' ? 'paused' : stage.status;
  const { name, total, done, failed, dropped, fraction } = stage;
  const bad = failed + dropped;
  return (
    <li class={status}>
      <span class="name">{name}</span>
      <Status status={status} />
      <ProgressBar label={`Stage ${name}`} fraction={fraction} status={status} />
      <span class="facts small number soft">
        {status === 'waiting' ? `${count(total)} to do` : `${count(done)} of ${count(total)}`}
        {status === 'running' && ` · ${percent(fraction)}`}
        {!paused && speed(stage)}
        {bad > 0 && <span class="lost"> · {count(bad)} failed</span>}
      </span>
    </li>
  );
}

/** Units a second since the stage started, and how long it took or has taken. */
function speed({ startedAt, finishedAt, fraction, total }: Stage): string {
  if (!startedAt) return '';
  const end = finishedAt ? Date.parse(finishedAt) : Date.now();
  const seconds = (end - Date.parse(startedAt)) / 1000;
  const units = fraction * total;
  if (seconds < 1 || units === 0) return '';
  const rate = units / seconds;
  const shown = rate >= 1 ? `${rate.toFixed(1)} a second` : `${(60 * rate).toFixed(1)} a minute`;
  return ` · ${shown} · ${duration(seconds)}`;
}

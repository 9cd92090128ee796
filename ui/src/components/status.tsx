/** The state of a run, stage or worker: a word, and a dot whose colour says the same. */
import './status.css';

const TONES: Record<string, string> = {
  running: 'accent',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'warn',
  paused: 'warn',
  working: 'accent',
  quiet: 'bad',
};

export const Status = ({ status }: { status: string }) => (
  <span class={`status ${TONES[status] ?? ''}`}>
    <i aria-hidden="true" />
    {status}
  </span>
);

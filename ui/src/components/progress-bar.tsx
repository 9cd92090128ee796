/** A finished share; `status` colours it. */
import { percent } from '../format.ts';
import './status.css';

export const ProgressBar = ({
  label,
  fraction,
  status = 'running',
}: {
  label: string;
  fraction: number;
  status?: string;
}) => (
  <div
    class={`bar ${status}`}
    role="progressbar"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={Math.floor(fraction * 100)}
    aria-valuetext={percent(fraction)}
  >
    <div style={{ width: `${100 * Math.min(1, fraction)}%` }} />
  </div>
);

/** How values lie: bars over equal bins, one or two series, with a line at a threshold. */
import { score as shown } from '../format.ts';
import './histogram.css';

interface Props {
  label: string;
  from: number;
  to: number;
  /** Counts by bin, drawn over each other in this order. */
  series: readonly { name: string; counts: readonly number[] }[];
  /** Marked on the axis. */
  line?: number;
}

const [WIDTH, HEIGHT] = [480, 120];

export function Histogram({ label, from, to, series, line }: Props) {
  const top = Math.max(1, ...series.flatMap(({ counts }) => counts));
  const at = (value: number) => ((value - from) / (to - from)) * WIDTH;
  return (
    <figure class="histogram">
      <figcaption class="small">
        <strong>{label}</strong>
        {series.length > 1 &&
          series.map(({ name }, i) => (
            <span key={name} class={`key series-${i + 1}`}>
              {name}
            </span>
          ))}
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}, from ${shown(from)} to ${shown(to)}`}
      >
        {series.map(({ name, counts }, i) => {
          const width = WIDTH / counts.length;
          return (
            <g key={name} class={`series-${i + 1}`}>
              {counts.map((n, bin) => {
                const height = (n / top) * (HEIGHT - 2);
                return (
                  <rect
                    key={bin}
                    x={bin * width + 0.75}
                    y={HEIGHT - height}
                    width={width - 1.5}
                    height={height}
                  />
                );
              })}
            </g>
          );
        })}
        {line !== undefined && line >= from && line <= to && (
          <line class="threshold" x1={at(line)} x2={at(line)} y1={0} y2={HEIGHT} />
        )}
      </svg>
      <div class="axis small faint number">
        <span>{shown(from)}</span>
        <span>{shown(to)}</span>
      </div>
    </figure>
  );
}

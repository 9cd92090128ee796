/** One curve of every chosen run over the steps, on a canvas. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

interface Props {
  label: string;
  names: readonly string[];
  /** Steps, then a column for each name. */
  data: [number[], ...(number | null)[][]];
  /** All charts with the same show the same step under the pointer. */
  syncKey: string;
}

const HEIGHT = 190;
export const SERIES = 5;

export function Chart({ label, names, data, syncKey }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const newest = useRef(data);
  newest.current = data;

  const shape = names.join('\n');
  useEffect(() => {
    const element = box.current!;
    function draw(): void {
      plot.current?.destroy();
      const options = optionsOf(shape.split('\n'), element.clientWidth, syncKey);
      plot.current = new uPlot(options, newest.current as uPlot.AlignedData, element);
    }
    draw();
    const watch = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    watch.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    addEventListener('theme', draw);
    return () => {
      watch.disconnect();
      dark.removeEventListener('change', draw);
      removeEventListener('theme', draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, syncKey]);

  useEffect(() => plot.current?.setData(data as uPlot.AlignedData), [data]);

  return (
    <div
      ref={box}
      class="chart"
      role="img"
      aria-label={`${label} over the steps, ${lastValues(names, data)}`}
    />
  );
}

function lastValues(names: readonly string[], [, ...columns]: Props['data']): string {
  return names
    .map(
      (name, i) =>
        `${name} last at ${columns[i]?.findLast((value) => value !== null)?.toPrecision(3) ?? 'none'}`,
    )
    .join(', ');
}

function optionsOf(names: readonly string[], width: number, syncKey: string): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  // A canvas needs the colour that light-dark() comes to.
  const probe = document.body.appendChild(document.createElement('i'));
  const colour = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const axis: uPlot.Axis = {
    stroke: colour('--text-faint'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: `11px ${style.getPropertyValue('--font')}`,
  };
  const options: uPlot.Options = {
    width,
    height: HEIGHT,
    scales: { x: { time: false } },
    cursor: { sync: { key: syncKey }, points: { size: 6 } },
    legend: { live: true },
    axes: [
      { ...axis, size: 26 },
      { ...axis, size: 54, values: (_, ticks) => ticks.map((tick) => short(tick)) },
    ],
    series: [
      { label: 'step' },
      ...names.map((label, i) => ({
        label,
        stroke: colour(`--series-${(i % SERIES) + 1}`),
        width: 1.5,
        spanGaps: true,
        value: (_: uPlot, value: number | null) => (value === null ? '–' : value.toPrecision(4)),
      })),
    ],
  };
  probe.remove();
  return options;
}

const short = (value: number) =>
  value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)
    ? value.toExponential(0)
    : String(+value.toPrecision(4));

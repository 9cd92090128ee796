/** All metrics of a batch of images, with the 3-in-1 score made of its parts. */
import { dpg } from './dpg.ts';
import { aesthetic, imageReward } from './image-rating.ts';
import { clipScore, hpsV2, pickScore } from './image-text.ts';
import type { Metric, Score, ScoringMode, Subject } from './metric.ts';
import type { ScoringPorts } from './ports.ts';
import { blipVqa, compbenchClip, spatial2d, threeInOne } from './t2i-compbench.ts';

const MEASURED: readonly Metric[] = [dpg, blipVqa, spatial2d, compbenchClip, clipScore, pickScore];
/** Each measured where its port is there. */
const OPTIONAL = { hps: hpsV2, aesthetic, imageReward } as const satisfies Partial<
  Record<keyof ScoringPorts, Metric>
>;
const THREE_IN_ONE = { name: 't2i-3in1', version: '1' };

/** Which optional ports there are: ports themselves, or settings under their names. */
export type OptionalPorts = { readonly [Port in keyof typeof OPTIONAL]?: unknown };

function measured(ports: OptionalPorts): readonly Metric[] {
  const there = Object.entries(OPTIONAL).filter(([port]) => ports[port as keyof OptionalPorts]);
  return [...MEASURED, ...there.map(([, metric]) => metric)];
}

/** What `scoreImages` measures with such ports, in its order. */
export const metricNames = (ports: OptionalPorts): string[] => [
  ...measured(ports).map(({ name }) => name),
  THREE_IN_ONE.name,
];

/** Every metric there is. */
export const METRIC_NAMES: readonly string[] = metricNames({ hps: true, aesthetic: true, imageReward: true });

/** Scores per subject, in the order of `metricNames`; a metric that says nothing about a subject is left out. */
export async function scoreImages(
  subjects: readonly Subject[],
  ports: ScoringPorts,
  mode: ScoringMode,
): Promise<Score[][]> {
  const metrics = measured(ports);
  const columns = await Promise.all(metrics.map((metric) => metric.score(subjects, ports, mode)));
  return subjects.map(({ annotation }, row) => {
    const scores = metrics.flatMap(({ name, version }, column): Score[] => {
      const result = columns[column]![row];
      return result ? [{ metric: name, version, mode, ...result }] : [];
    });
    const value = (name: string) => scores.find(({ metric }) => metric === name)?.value;
    const parts = {
      blip: value(blipVqa.name)!,
      spatial: value(spatial2d.name) ?? null,
      clip: value(compbenchClip.name)!,
    };
    const { value: combined, rule } = threeInOne(annotation, parts, mode);
    const { name: metric, version } = THREE_IN_ONE;
    return [...scores, { metric, version, mode, value: combined, evidence: { ...parts, rule } }];
  });
}

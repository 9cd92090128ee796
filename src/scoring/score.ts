/** All metrics of a batch of images, with the 3-in-1 score made of its parts. */
import { askedOnce } from './asked-once.ts';
import { dpg } from './dpg.ts';
import { aesthetic, imageReward } from './image-rating.ts';
import { clipScore, hpsV2, pickScore } from './image-text.ts';
import type { Metric, Score, ScoringMode, Subject } from './metric.ts';
import type { ScoringPorts } from './ports.ts';
import type { MetricValues } from './reward.ts';
import { entityIou, relationIou, sgIou } from './scene-graph-iou.ts';
import { blipVqa, compbenchClip, spatial2d } from './t2i-compbench.ts';
import { threeInOne } from './three-in-one.ts';

/** They ask about items, so they say nothing of an annotation that is a caption alone. */
const OF_GRAPH: readonly Metric[] = [dpg, sgIou, entityIou, relationIou, blipVqa, spatial2d, compbenchClip];
const MEASURED: readonly Metric[] = [...OF_GRAPH, clipScore, pickScore];
/** Each measured where its port is there. */
const OPTIONAL = { hps: hpsV2, aesthetic, imageReward } as const satisfies Partial<
  Record<keyof ScoringPorts, Metric>
>;
const THREE_IN_ONE = { name: 't2i-3in1', version: '1' };
const PARTS = [blipVqa, spatial2d, compbenchClip].map(({ name }) => name);

/** Which optional ports there are: ports themselves, or settings under their names. */
export type OptionalPorts = { readonly [Port in keyof typeof OPTIONAL]?: unknown };

export interface SubjectScores {
  /** In the order of `metricNames`, without the metrics that say nothing about the subject or failed. */
  scores: Score[];
  failures: { metric: string; reason: string }[];
}

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

/** Their values by metric. */
export const metricValues = (scores: readonly Pick<Score, 'metric' | 'value'>[]): MetricValues =>
  Object.fromEntries(scores.map(({ metric, value }) => [metric, value]));

const hasGraph = ({ annotation }: Subject) => annotation.items.length > 0;

/** One entry per subject. Where a part of the 3-in-1 score failed, that score is missing too. */
export async function scoreImages(
  subjects: readonly Subject[],
  ports: ScoringPorts,
  mode: ScoringMode,
): Promise<SubjectScores[]> {
  const metrics = measured(ports);
  const asking = { ...ports, answerer: askedOnce(ports.answerer) };
  const graphs = subjects.filter(hasGraph);
  const columns = await Promise.all(
    metrics.map(async (metric) => {
      if (!OF_GRAPH.includes(metric)) return metric.score(subjects, asking, mode);
      const found = (await metric.score(graphs, asking, mode)).values();
      return subjects.map((subject) => (hasGraph(subject) ? found.next().value! : null));
    }),
  );
  return subjects.map((subject, row) => {
    const { annotation } = subject;
    const scores: Score[] = [];
    const failures: SubjectScores['failures'] = [];
    for (const [column, { name: metric, version }] of metrics.entries()) {
      const result = columns[column]![row]!;
      if (result === null) continue;
      if ('failed' in result) failures.push({ metric, reason: result.failed });
      else scores.push({ metric, version, mode, ...result });
    }
    if (!hasGraph(subject) || failures.some(({ metric }) => PARTS.includes(metric)))
      return { scores, failures };
    const value = (name: string) => scores.find(({ metric }) => metric === name)?.value;
    const parts = {
      blip: value(blipVqa.name)!,
      spatial: value(spatial2d.name) ?? null,
      clip: value(compbenchClip.name)!,
    };
    const { value: combined, rule } = threeInOne(annotation, parts, mode);
    const { name: metric, version } = THREE_IN_ONE;
    scores.push({ metric, version, mode, value: combined, evidence: { ...parts, rule } });
    return { scores, failures };
  });
}

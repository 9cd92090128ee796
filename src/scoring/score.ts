/** All metrics of a batch of images, with the 3-in-1 score made of its parts. */
import { dpg } from './dpg.ts';
import { clipScore, pickScore } from './image-text.ts';
import type { Metric, Score, ScoringMode, Subject } from './metric.ts';
import type { ScoringPorts } from './ports.ts';
import { blipVqa, compbenchClip, spatial2d, threeInOne } from './t2i-compbench.ts';

const MEASURED: readonly Metric[] = [dpg, blipVqa, spatial2d, compbenchClip, clipScore, pickScore];
const THREE_IN_ONE = { name: 't2i-3in1', version: '1' };

export const METRIC_NAMES = [...MEASURED.map(({ name }) => name), THREE_IN_ONE.name] as const;

/** Scores per subject, in the order of METRIC_NAMES; a metric that says nothing about a subject is left out. */
export async function scoreImages(
  subjects: readonly Subject[],
  ports: ScoringPorts,
  mode: ScoringMode,
): Promise<Score[][]> {
  const columns = await Promise.all(MEASURED.map((metric) => metric.score(subjects, ports, mode)));
  return subjects.map(({ annotation }, row) => {
    const scores = MEASURED.flatMap(({ name, version }, column): Score[] => {
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

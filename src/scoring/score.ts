/** All metrics of a batch of images, with the 3-in-1 score made of its parts. */
import { dpg } from './dpg.ts';
import { clipScore, pickScore } from './image-text.ts';
import type { Metric, Score, ScoringMode, Subject } from './metric.ts';
import type { ScoringPorts } from './ports.ts';
import { blipVqa, compbenchClip, spatial2d, threeInOne } from './t2i-compbench.ts';

const MEASURED: readonly Metric[] = [dpg, blipVqa, spatial2d, compbenchClip, clipScore, pickScore];
const THREE_IN_ONE = { name: 't2i-3in1', version: '1' };
const PARTS = [blipVqa, spatial2d, compbenchClip].map(({ name }) => name);

export const METRIC_NAMES = [...MEASURED.map(({ name }) => name), THREE_IN_ONE.name] as const;

export interface SubjectScores {
  /** In the order of METRIC_NAMES, without the metrics that say nothing about the subject or failed. */
  scores: Score[];
  failures: { metric: string; reason: string }[];
}

/** One entry per subject. Where a part of the 3-in-1 score failed, that score is missing too. */
export async function scoreImages(
  subjects: readonly Subject[],
  ports: ScoringPorts,
  mode: ScoringMode,
): Promise<SubjectScores[]> {
  const columns = await Promise.all(MEASURED.map((metric) => metric.score(subjects, ports, mode)));
  return subjects.map(({ annotation }, row) => {
    const scores: Score[] = [];
    const failures: SubjectScores['failures'] = [];
    for (const [column, { name: metric, version }] of MEASURED.entries()) {
      const result = columns[column]![row]!;
      if (result === null) continue;
      if ('failed' in result) failures.push({ metric, reason: result.failed });
      else scores.push({ metric, version, mode, ...result });
    }
    if (failures.some(({ metric }) => PARTS.includes(metric))) return { scores, failures };
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

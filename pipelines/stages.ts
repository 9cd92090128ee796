/** The stages that runs are made of: what each is called, who does it, and how its work is cut into tasks. */
import type { LayoutName } from '../src/export/layouts/index.ts';
import type { StagePlan, TaskPlan } from '../src/jobs/runs.ts';
import { hashSeed } from '../src/random.ts';
import type { Variant } from '../src/store/candidates.ts';
import type { RunSettings } from './settings.ts';

/** What a plan is made from. Ids are those of stored annotations. */
export interface PlanInput {
  settings: RunSettings;
  /** Revision of the source run's votes, which training counts; 0 where a run curates by itself. */
  votes: number;
  curated: string[];
  heldOut: string[];
}

export interface GeneratePayload {
  variant: Variant;
  annotationIds: string[];
  samples: number;
}

export interface ScorePayload {
  variant: Variant;
  annotationIds: string[];
}

export interface TrainPayload {
  /** Revision of the votes that count. */
  votes: number;
}

/** Images per task: enough to fill a batch, few enough that a lost task costs seconds. */
const IMAGES_PER_TASK = 32;

/** Held-out annotations are chosen by their key: the same ones in every run with the same fraction. */
export function isHeldOut(splitKey: string, fraction: number): boolean {
  return hashSeed('held-out', splitKey) / 2 ** 32 < fraction;
}

export function generateStage(
  name: string,
  ids: readonly string[],
  samples: number,
  variants: readonly Variant[],
): StagePlan {
  return {
    name,
    worker: 'generate',
    kind: 'generate',
    secondsPerUnit: 0.25,
    tasks: chunks(ids, samples).flatMap((annotationIds) =>
      variants.map((variant) => ({
        units: annotationIds.length * samples,
        payload: { variant, annotationIds, samples } satisfies GeneratePayload,
      })),
    ),
  };
}

export function scoreStage(
  name: string,
  ids: readonly string[],
  samples: number,
  variants: readonly Variant[],
): StagePlan {
  return {
    name,
    worker: 'score',
    kind: 'score',
    secondsPerUnit: 0.03,
    tasks: chunks(ids, samples).flatMap((annotationIds) =>
      variants.map((variant) => ({
        units: annotationIds.length * samples,
        payload: { variant, annotationIds } satisfies ScorePayload,
      })),
    ),
  };
}

export function exportStage(annotations: number): StagePlan {
  return {
    name: 'export',
    worker: 'score',
    kind: 'export',
    secondsPerUnit: 0.01,
    tasks: [{ units: annotations, payload: {} }],
  };
}

/** Its own name by layout: they take different times. */
export function layoutStage(layout: LayoutName, annotations: number): StagePlan {
  return {
    name: `export-${layout}`,
    worker: 'score',
    kind: 'layout',
    secondsPerUnit: 0.01,
    tasks: [{ units: annotations, payload: {} }],
  };
}

export function trainStage({ settings: { train }, votes }: PlanInput): StagePlan {
  return {
    name: 'train',
    worker: 'train',
    kind: 'train',
    secondsPerUnit: 1,
    tasks: [{ units: train.steps, payload: { votes } satisfies TrainPayload }],
  };
}

export function reportStage(): StagePlan {
  return {
    name: 'report',
    worker: 'score',
    kind: 'report',
    secondsPerUnit: 1,
    tasks: [{ units: 1, payload: {} }],
  };
}

/** Tasks that score an import's candidates, known once they are read. */
export function importedScoreTasks(annotations: readonly { id: string; candidates: number }[]): TaskPlan[] {
  const tasks: TaskPlan[] = [];
  let [ids, units]: [string[], number] = [[], 0];
  for (const [i, { id, candidates }] of annotations.entries()) {
    ids.push(id);
    units += candidates;
    if (units < IMAGES_PER_TASK && i < annotations.length - 1) continue;
    tasks.push({ units, payload: { variant: 'curated', annotationIds: ids } satisfies ScorePayload });
    [ids, units] = [[], 0];
  }
  return tasks;
}

function chunks(ids: readonly string[], samples: number): string[][] {
  const size = Math.max(1, Math.floor(IMAGES_PER_TASK / samples));
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, i) => ids.slice(i * size, (i + 1) * size));
}

/** The scored dataset: one row per candidate, image and raw scores (docs/exports.md). */
import { type ExportAnnotation, imageUid } from './rows.ts';
import type { Column, Row } from './table.ts';

/** Metric names as column names. */
export const scoreColumn = (metric: string) => `score_${metric.replaceAll('-', '_')}`;

export function imageColumns(metrics: readonly string[]): Column[] {
  return [
    { name: 'annotation_id', type: 'string', about: 'img_id of the LAION-SG annotation' },
    { name: 'image_index', type: 'int32', about: 'slot of the candidate, from 0' },
    { name: 'prompt', type: 'string', about: 'text made from the scene graph' },
    { name: 'scene_graph', type: 'string', about: 'the annotation as JSON' },
    { name: 'image', type: 'image', about: 'the candidate as PNG' },
    { name: 'width', type: 'int32', about: 'pixels' },
    { name: 'height', type: 'int32', about: 'pixels' },
    { name: 'seed', type: 'int64', about: 'seed of the initial noise' },
    { name: 'model', type: 'string', about: 'generator' },
    { name: 'model_sha256', type: 'string', about: 'hash of its weights, null when it ran elsewhere' },
    { name: 'sampler', type: 'string', about: 'sampler, null where unknown' },
    { name: 'steps', type: 'int32', about: 'sampling steps, null where unknown' },
    { name: 'cfg', type: 'float64', about: 'classifier-free guidance scale, null where unknown' },
    { name: 'sha256', type: 'string', about: 'hash of the image file' },
    ...metrics.map(
      (metric): Column => ({ name: scoreColumn(metric), type: 'float64', about: `raw ${metric} score` }),
    ),
    { name: 'reward', type: 'float64', about: 'the scores combined under reward_policy' },
    { name: 'reward_policy', type: 'string', about: 'policy and weights, as JSON' },
  ];
}

export function imageRow(
  annotation: ExportAnnotation,
  index: number,
  bytes: Uint8Array,
  metrics: readonly string[],
  rewardPolicy: string,
): Row {
  const { slot, seed, sha256, width, height, generation, scores, reward } = annotation.candidates[index]!;
  return {
    annotation_id: annotation.imgId,
    image_index: slot,
    prompt: annotation.prompt,
    scene_graph: JSON.stringify(annotation.body),
    image: { bytes, path: `${imageUid(annotation.imgId, slot)}.png` },
    width,
    height,
    seed,
    model: generation.model,
    model_sha256: generation.modelHash,
    sampler: generation.sampler,
    steps: generation.steps,
    cfg: generation.guidance,
    sha256,
    ...Object.fromEntries(metrics.map((metric) => [scoreColumn(metric), scores[metric] ?? null])),
    reward,
    reward_policy: rewardPolicy,
  };
}

/** The scored dataset: one row per candidate, image and raw scores. */
import { closeSplits, type Layout, openTables, rowBytes } from '../layout.ts';
import { type ExportAnnotation, type ExportCandidate, imageUid } from '../rows.ts';
import { type Of, rowOf } from '../table.ts';
import { ANNOTATION_ID, datasetVersion, PROMPT } from './common-fields.ts';

interface ImageSource {
  annotation: ExportAnnotation;
  candidate: ExportCandidate;
  bytes: Uint8Array;
  /** Policy and weights, as JSON. */
  rewardPolicy: string;
  version: string;
}

/** Metric names as column names. */
export const scoreColumn = (metric: string) => `score_${metric.replaceAll('-', '_')}`;

export function imageColumns(metrics: readonly string[]): Of<ImageSource>[] {
  return [
    ANNOTATION_ID,
    {
      name: 'image_index',
      type: 'int32',
      about: 'slot of the candidate, from 0',
      of: (s) => s.candidate.slot,
    },
    PROMPT,
    {
      name: 'scene_graph',
      type: 'string',
      about: 'the annotation as JSON',
      of: (s) => JSON.stringify(s.annotation.body),
    },
    { name: 'image', type: 'image', about: 'the candidate as PNG', of: imageOf },
    { name: 'width', type: 'int32', about: 'pixels', of: (s) => s.candidate.width },
    { name: 'height', type: 'int32', about: 'pixels', of: (s) => s.candidate.height },
    {
      name: 'seed',
      type: 'int64',
      about: 'seed of the initial noise, null where unknown',
      of: (s) => s.candidate.seed,
    },
    { name: 'model', type: 'string', about: 'generator', of: (s) => s.candidate.generation.model },
    {
      name: 'model_sha256',
      type: 'string',
      about: 'hash of its weights, null when it ran elsewhere',
      of: (s) => s.candidate.generation.modelHash,
    },
    {
      name: 'sampler',
      type: 'string',
      about: 'sampler, null where unknown',
      of: (s) => s.candidate.generation.sampler,
    },
    {
      name: 'steps',
      type: 'int32',
      about: 'sampling steps, null where unknown',
      of: (s) => s.candidate.generation.steps,
    },
    {
      name: 'cfg',
      type: 'float64',
      about: 'classifier-free guidance scale, null where unknown',
      of: (s) => s.candidate.generation.guidance,
    },
    { name: 'sha256', type: 'string', about: 'hash of the image file', of: (s) => s.candidate.sha256 },
    ...metrics.map(
      (metric): Of<ImageSource> => ({
        name: scoreColumn(metric),
        type: 'float64',
        about: `raw ${metric} score`,
        of: (s) => s.candidate.scores[metric],
      }),
    ),
    {
      name: 'reward',
      type: 'float64',
      about: 'the scores combined under reward_policy',
      of: (s) => s.candidate.reward,
    },
    {
      name: 'reward_policy',
      type: 'string',
      about: 'policy and weights, as JSON',
      of: (s) => s.rewardPolicy,
    },
    datasetVersion('the rows were made from'),
  ];
}

const imageOf = ({ annotation, candidate, bytes }: ImageSource) => ({
  bytes,
  path: `${imageUid(annotation.imgId, candidate.slot)}.png`,
});

export const images: Layout = {
  title: 'Scored candidates',
  about:
    'One row per generated image of a LAION-SG scene graph, with its raw scores. Pairs of any policy can be formed from it later.',
  fields: imageColumns,
  tellsTies: true,
  isParquet: true,
  filesOf: (split) => `data/${split}-*.parquet`,
  async open(folder, { metrics, reward: rewardPolicy, version, writer }) {
    const columns = imageColumns(metrics);
    const splits = await openTables(folder, columns, writer);
    return {
      async write({ annotation, split, image }) {
        for (const candidate of annotation.candidates) {
          const bytes = await image(candidate.sha256);
          const row = rowOf(columns, { annotation, candidate, bytes, rewardPolicy, version });
          await splits[split].write(row, rowBytes(row));
        }
      },
      close: () => closeSplits(folder, splits),
    };
  },
};

/**
 * The immutable version of a dataset: the sha256 of `inputs.jsonl`, which names everything that its rows are made
 * from. The first line has the policy, every further one an annotation with its candidates, their scores and the votes on
 * them. No ids of the store, no times and no names of people, so that equal content is the same version wherever it lies.
 */
import { createHash } from 'node:crypto';
import type { PairSettings } from '../preference/pairs.ts';
import type { RewardSettings } from '../scoring/reward.ts';
import type { ScoreVersions } from '../store/candidates.ts';
import type { FilterSettings } from './filters.ts';
import { type ExportAnnotation, type ExportVote, votersNumber } from './rows.ts';

export interface DatasetPolicy {
  reward: RewardSettings;
  pairs: PairSettings;
  /** Which scores count, by metric: "MODE/VERSION". */
  scores: ScoreVersions;
  /** Absent: every candidate stays. */
  filters?: FilterSettings;
}

export type VersionedAnnotation = Omit<ExportAnnotation, 'candidates'> & {
  candidates: Omit<ExportAnnotation['candidates'][number], 'reward'>[];
};

/** What part of the inputs: how many, and the sha256 over them. */
export interface InputPart {
  count: number;
  sha256: string;
}

export const INPUT_PARTS = ['annotations', 'candidates', 'scores', 'votes'] as const;

export interface DatasetVersion extends Record<(typeof INPUT_PARTS)[number], InputPart> {
  version: string;
}

/** Raised whenever equal inputs would give other bytes. */
export const FORMAT = 3;

/** How votes become pairs. */
export const VOTES_POLICY = 'majority';

/** Takes annotations in their order; gives the lines as they come and the version at the end. */
export function versionOf(policy: DatasetPolicy) {
  const whole = createHash('sha256');
  const parts = INPUT_PARTS.map((part) => ({ part, count: 0, hash: createHash('sha256') }));
  const line = (value: unknown) => {
    const text = `${canonicalJson(value)}\n`;
    whole.update(text);
    return text;
  };
  const header = line({ format: FORMAT, ...policy, votes: VOTES_POLICY });
  return {
    /** The first line. */
    header,
    add({ imgId, body, prompt, candidates, votes }: VersionedAnnotation): string {
      const annotation = {
        annotation: imgId,
        sha256: annotationHash({ body, prompt }),
      };
      const images = candidates.map(({ slot, seed, sha256, width, height, generation }) => ({
        ...{ slot, seed, sha256, width, height, generation },
      }));
      const scores = candidates.map((candidate) => candidate.scores);
      const voices = votes.map(versioned).sort(byText);
      const values = { annotations: [annotation], candidates: images, scores, votes: voices };
      for (const one of parts) {
        for (const value of values[one.part]) one.hash.update(`${canonicalJson(value)}\n`);
        one.count += values[one.part].length;
      }
      const withScores = images.map((image, i) => ({ ...image, scores: scores[i] }));
      return line({ ...annotation, candidates: withScores, votes: voices });
    },
    end(): DatasetVersion {
      const described = parts.map(({ part, count, hash }) => [part, { count, sha256: hash.digest('hex') }]);
      return { version: whole.digest('hex'), ...Object.fromEntries(described) };
    },
  };
}

/** What stands for an annotation's content in a line. */
export const annotationHash = ({ body, prompt }: Pick<VersionedAnnotation, 'body' | 'prompt'>): string =>
  createHash('sha256')
    .update(canonicalJson([body, prompt]))
    .digest('hex');

/** Of annotations as they lie in the store now. */
export async function readVersion(
  policy: DatasetPolicy,
  annotations: AsyncIterable<VersionedAnnotation>,
): Promise<DatasetVersion> {
  const version = versionOf(policy);
  for await (const annotation of annotations) version.add(annotation);
  return version.end();
}

const versioned = ({ voter, slots, ranking, outcome }: ExportVote) => ({
  voter: String(votersNumber([voter])),
  slots: slots.toSorted((a, b) => a - b),
  ranking,
  outcome,
});

const byText = (a: unknown, b: unknown) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1);

/** JSON with the keys of every object in order. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

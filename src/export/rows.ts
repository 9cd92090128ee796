/** What an export is made of: one annotation with its candidates at a time, in the order of img_id. */
import { createHash } from 'node:crypto';
import type { Annotation } from '../annotations/annotation.ts';
import { hashSeed } from '../random.ts';
import type { Generation } from '../store/candidates.ts';

export interface ExportCandidate {
  slot: number;
  /** Null where it is unknown. */
  seed: number | null;
  sha256: string;
  width: number;
  height: number;
  generation: Generation;
  scores: Record<string, number>;
  /** Null where a metric with a say is missing. */
  reward: number | null;
}

/** What one person said about some of an annotation's candidates, by their slots. */
export interface ExportVote {
  voter: string;
  slots: readonly number[];
  /** Best first; empty where none is better. */
  ranking: readonly number[];
  /** Which of the two where none is better. */
  outcome?: 'both-good' | 'both-bad';
}

export interface ExportAnnotation {
  imgId: string;
  body: Annotation;
  prompt: string;
  candidates: ExportCandidate[];
  votes: ExportVote[];
}

/** Groups rows that arrive in order of annotation. */
export async function* grouped<T extends { imgId: string }>(rows: AsyncIterable<T>): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const row of rows) {
    if (group.length > 0 && group[0]!.imgId !== row.imgId) {
      yield group;
      group = [];
    }
    group.push(row);
  }
  if (group.length > 0) yield group;
}

export const SPLITS = ['train', 'validation'] as const;
export type Split = (typeof SPLITS)[number];

/** One key in ten is for validation. */
export function splitOf(key: string): Split {
  return hashSeed('export-split', key) % 10 === 0 ? 'validation' : 'train';
}

/**
 * What an annotation is put on a side by, so that its images and pairs never stand on both. Rows of Pick-a-Pic are annotations
 * of their own, many with one caption: they stay together. `annotationKeys` of the store says the same.
 */
export const splitKey = ({ imgId, body, prompt }: Pick<ExportAnnotation, 'imgId' | 'body' | 'prompt'>) =>
  'pickapic' in body ? prompt : imgId;

/** 63 bits of a text's hash: those of a million texts meet with a chance of one in ten million. */
export const numberOf = (text: string): bigint =>
  BigInt.asUintN(63, createHash('sha256').update(text).digest().readBigUInt64BE());

/** How a person is called who came in with an export, where they are a number. */
const IMPORTED = 'imported-';
export const importedVoter = (number: string): string => IMPORTED + number;

/** A person as a number that does not tell their name, and stays the same from one store to the next. */
const voterNumber = (voter: string): bigint =>
  /^imported-\d{1,19}$/.test(voter)
    ? BigInt(voter.slice(IMPORTED.length))
    : numberOf(JSON.stringify([voter]));

/** People as a number. */
export function votersNumber(voters: readonly string[]): bigint {
  const [first, ...others] = voters.map(voterNumber);
  if (first !== undefined && others.length === 0) return first;
  return numberOf(JSON.stringify(voters.map((voter) => String(voterNumber(voter))).sort()));
}

/** Name of an image that says what it is of. */
export const imageUid = (imgId: string, slot: number) => `${imgId}-${slot}`;

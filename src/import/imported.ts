/** What every kind of import is read as: an annotation at a time, with its candidates, images included. */
import type { Annotation } from '../annotations/annotation.ts';
import type { DiptychError } from '../errors.ts';
import type { ImportedCandidate, ImportedVote } from '../store/imported.ts';

export interface ReadCandidate extends Omit<ImportedCandidate, 'sha256' | 'width' | 'height'> {
  /** The encoded image. */
  bytes: Uint8Array;
  /** What its source claims of it; held against the bytes. */
  claimed?: { sha256: string; width: number; height: number };
  /** An error that says where the image stands. */
  fail(problem: string): DiptychError;
}

export interface ReadAnnotation {
  imgId: string;
  /** Null: the annotation must be in the set already. */
  content: { body: Annotation; prompt: string } | null;
  candidates: ReadCandidate[];
  votes?: ImportedVote[];
}

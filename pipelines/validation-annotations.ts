/** Which curated annotations a training is measured on, and makes no pairs of. */
import { DiptychError } from '../src/errors.ts';
import { hashSeed } from '../src/random.ts';
import type { RunSettings } from './settings.ts';

type Trained = Pick<RunSettings, 'train'>;

/**
 * The img_ids of least hash: the same ones in every run on the same annotations, whatever its seed, and of a smaller
 * number a part of those of a larger one. They are curated, so none of those of the final evaluation.
 */
export function validationAnnotations({ train }: Trained, curated: Iterable<string>): Set<string> {
  const byHash = [...new Set(curated)]
    .map((imgId) => ({ imgId, hash: hashSeed('validation', imgId) }))
    .sort((a, b) => a.hash - b.hash || (a.imgId < b.imgId ? -1 : 1));
  return new Set(byHash.slice(0, train.validation?.annotations ?? 0).map(({ imgId }) => imgId));
}

/** Throws DIPTYCH_INVALID_INPUT when none of so many curated annotations is left to train on. */
export function checkValidation({ train: { validation } }: Trained, curated: number): void {
  if (!validation || validation.annotations < curated) return;
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `settings.train.validation.annotations is ${validation.annotations}, but ${curated} annotations are curated; leave some to train on`,
  );
}

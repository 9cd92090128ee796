/** Golden cases: tensors that the Python originals computed (test/golden/README.md tells how). */
import path from 'node:path';
import { type RecordedCase, readCase } from '../src/recorded/case.ts';

export type GoldenCase = RecordedCase;

/** Checks one recorded case; throws when it does not hold. */
export type ComponentCheck = (golden: GoldenCase) => Promise<void>;

/** Where the recorded cases lie: DIPTYCH_GOLDEN, or this project's own. */
export const goldenFolder = () =>
  path.resolve(process.env.DIPTYCH_GOLDEN || path.join(import.meta.dirname, 'golden'));

/** A case of this project by its name, or any case by its folder. */
export const goldenCase = (nameOrFolder: string): Promise<GoldenCase> =>
  readCase(path.resolve(import.meta.dirname, 'golden', nameOrFolder));

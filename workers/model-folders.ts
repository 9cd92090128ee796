/** Model names of run settings to folders. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { DiptychError } from '../src/errors.ts';

const SAMPLE = path.resolve(import.meta.dirname, '..', 'models', 'sample');

/** "sample", or a folder of the user's. Throws DIPTYCH_INVALID_INPUT when there is no such folder. */
export function modelFolder(name: string, kind: 'diffusion' | 'clip'): string {
  if (name === 'sample') return path.join(SAMPLE, kind);
  if (path.isAbsolute(name) && existsSync(name)) return name;
  const layout = kind === 'clip' ? 'transformers' : 'diffusers';
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `there is no model "${name}": use "sample" or the absolute path of a folder in ${layout} layout`,
  );
}

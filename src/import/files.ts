/** The files below a folder, or one file: names are told from the folder, and none leads out of it. */
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DiptychError } from '../errors.ts';

export interface SourceFile {
  /** From the folder, with "/" between folders; of one file its own. */
  name: string;
  path: string;
  bytes: number;
}

/** In the order of their names. Throws DIPTYCH_BAD_FILE for a link to somewhere else. */
export async function filesBelow(root: string): Promise<SourceFile[]> {
  const real = await realpath(root).catch((cause) => {
    throw new DiptychError('DIPTYCH_INVALID_INPUT', `there is no file or folder "${root}" on the server`, {
      cause,
    });
  });
  const facts = await stat(real);
  if (facts.isFile()) return [{ name: path.basename(real), path: real, bytes: facts.size }];
  const names = (await readdir(real, { recursive: true })).sort();
  const found = await Promise.all(
    names.map(async (name): Promise<SourceFile[]> => {
      const where = await realpath(path.join(real, name)).catch(() => '');
      if (!where.startsWith(`${real}${path.sep}`)) {
        throw new DiptychError(
          'DIPTYCH_BAD_FILE',
          `${name} is a link that leads out of the folder ${root}; put the file itself there, or import the folder it is in`,
        );
      }
      const { size, ...kind } = await stat(where).then((s) => ({ size: s.size, isFile: s.isFile() }));
      return kind.isFile ? [{ name: name.replaceAll(path.sep, '/'), path: where, bytes: size }] : [];
    }),
  );
  return found.flat();
}

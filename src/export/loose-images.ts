/** Images as files beside a JSON that names them, each once: `images/ab/abcd….png`, after the hash of the file. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ExportedFile } from './layout.ts';
import { writeWhole } from './sink.ts';

export interface LooseImages {
  /** Writes the image where it is not there yet; its name, from the folder of the JSON. */
  name(sha256: string, load: (sha256: string) => Promise<Uint8Array>): Promise<string>;
  files: ExportedFile[];
}

export function looseImages(folder: string): LooseImages {
  const files: ExportedFile[] = [];
  return {
    files,
    async name(sha256, load) {
      const name = `images/${sha256.slice(0, 2)}/${sha256}.png`;
      const file = path.join(folder, name);
      if (existsSync(file)) return name;
      await mkdir(path.dirname(file), { recursive: true });
      files.push({ name, ...writeWhole(file, await load(sha256)) });
      return name;
    },
  };
}

/** Answers that were paid for once: kept by the hash of everything that decides them. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import type { Answer } from '../scoring/ports.ts';

export interface AnswerCache {
  get(key: string): Promise<Answer | null>;
  put(key: string, answer: Answer): Promise<void>;
}

const Stored = Type.Object({
  answer: Type.Enum(['yes', 'no']),
  yes: Type.Number({ minimum: 0, maximum: 1 }),
});

/** One small JSON file per answer; one that can't be read or is no answer counts as absent. Keys are hashes in hex. */
export function folderAnswerCache(folder: string): AnswerCache {
  const fileOf = (key: string) => path.join(folder, key.slice(0, 2), `${key}.json`);
  return {
    async get(key) {
      try {
        const stored: unknown = JSON.parse(await readFile(fileOf(key), 'utf8'));
        return Check(Stored, stored) ? (stored as Answer) : null;
      } catch {
        return null;
      }
    },
    async put(key, answer) {
      const file = fileOf(key);
      await mkdir(path.dirname(file), { recursive: true });
      const temporary = `${file}.${randomUUID()}.tmp`;
      await writeFile(temporary, JSON.stringify(answer));
      await rename(temporary, file);
    },
  };
}

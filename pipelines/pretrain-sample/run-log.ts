/** Pretraining's log: JSON lines that a resumed run continues (lines past the resumed step are cut). */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export type LogEntry = { step: number } & Record<string, number>;

export interface RunLog {
  folder: string;
  append(name: string, entry: LogEntry): void;
  /** Forgets entries after `step`. */
  rewind(name: string, step: number): void;
  read(name: string): LogEntry[];
}

export function createRunLog(folder: string): RunLog {
  mkdirSync(folder, { recursive: true });
  const fileOf = (name: string) => path.join(folder, `${name}.jsonl`);
  const read = (name: string): LogEntry[] =>
    existsSync(fileOf(name))
      ? readFileSync(fileOf(name), 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as LogEntry)
      : [];
  return {
    folder,
    read,
    append(name, entry) {
      appendFileSync(fileOf(name), `${JSON.stringify(entry)}\n`);
      console.log(`${name} ${JSON.stringify(entry)}`);
    },
    rewind(name, step) {
      const kept = read(name).filter((entry) => entry.step <= step);
      writeFileSync(fileOf(name), kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    },
  };
}

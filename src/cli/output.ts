/**
 * Where a command says what: its result on stdout, all else on stderr. With --json the result is JSON, and stderr has
 * nothing but an error.
 */
import { createProgressPrinter, type ProgressPrinter } from './progress.ts';

export interface Output {
  isJson: boolean;
  /** What was asked for: as JSON, or as text. Several of them are lines of JSON (NDJSON). */
  result(data: unknown, text: string, options?: { isLine?: boolean }): void;
  /** A result whose form the command makes itself, piece by piece. */
  text(line: string): void;
  /** What a person wants to know beside it. */
  note(text: string): void;
  error(code: string, message: string): void;
  progress(): ProgressPrinter;
}

export interface Streams {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown; isTTY?: boolean };
}

const SILENT: ProgressPrinter = { show() {}, log() {} };

export function openOutput(isJson: boolean, { stdout, stderr }: Streams = process): Output {
  return {
    isJson,
    result(data, text, { isLine = false } = {}) {
      const json = isLine ? JSON.stringify(data) : JSON.stringify(data, null, 2);
      stdout.write(`${isJson ? json : text}\n`);
    },
    text: (line) => void stdout.write(`${line}\n`),
    note: (text) => void (isJson || stderr.write(`${text}\n`)),
    error: (code, message) =>
      void stderr.write(`${isJson ? JSON.stringify({ error: { code, message } }) : message}\n`),
    progress: () => (isJson ? SILENT : createProgressPrinter(stderr)),
  };
}

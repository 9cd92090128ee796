/** What the study has found so far: a line of JSON per cell, appended when the cell is whole. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Cell, CellResult } from './cell.ts';

export interface ResultLine {
  cell: Cell;
  result: CellResult;
  machine: string;
  /** ISO 8601. */
  at: string;
}

export interface Results {
  lines: readonly ResultLine[];
  of(cell: Cell): ResultLine | undefined;
  add(cell: Cell, result: CellResult, machine: string): void;
}

/** A last line that a kill cut short is left out: its cell is made again. */
export function openResults(file: string): Results {
  mkdirSync(path.dirname(file), { recursive: true });
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const lines = whole(text);
  if (text !== '' && !text.endsWith('\n')) appendFileSync(file, '\n');
  const byKey = new Map(lines.map((line) => [keyOf(line.cell), line]));
  return {
    lines,
    of: (cell) => byKey.get(keyOf(cell)),
    add(cell, result, machine) {
      const line = { cell, result, machine, at: new Date().toISOString() };
      lines.push(line);
      byKey.set(keyOf(cell), line);
      appendFileSync(file, `${JSON.stringify(line)}\n`);
    },
  };
}

/** All that decides a cell's numbers. */
const keyOf = ({ part, arm, ...rest }: Cell): string => JSON.stringify(rest);

function whole(text: string): ResultLine[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as ResultLine];
    } catch {
      return [];
    }
  });
}

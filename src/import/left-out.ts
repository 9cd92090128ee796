/** Which candidates of an export its filters left out: the lines of dropped.jsonl, in the order of the candidates. */
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { DiptychError } from '../errors.ts';
import { linesOf } from './lines.ts';

const Line = Type.Object({
  annotation_id: Type.String(),
  image_index: Type.Integer(),
  /** Of two that make no pair: both are there. */
  other_index: Type.Union([Type.Integer(), Type.Null()]),
});
const MAX_LINE_BYTES = 2 ** 16;

export interface LeftOut {
  /** Whether the candidate was left out. Candidates are asked for in the order of the export. */
  has(imgId: string, slot: number): Promise<boolean>;
  /** Throws DIPTYCH_BAD_FILE where a line is left, of a candidate that nobody asked for. */
  end(): Promise<void>;
  close(): Promise<void>;
}

export const NONE_LEFT_OUT: LeftOut = { has: async () => false, end: async () => {}, close: async () => {} };

/** `name`: of the file, in errors. */
export function leftOut(file: string, name: string): LeftOut {
  const lines = candidatesIn(file, name);
  let head: Awaited<ReturnType<typeof lines.next>> | undefined;
  return {
    async has(imgId, slot) {
      head ??= await lines.next();
      if (head.done || head.value.imgId !== imgId || head.value.slot !== slot) return false;
      head = undefined;
      return true;
    },
    async end() {
      head ??= await lines.next();
      if (head.done) return;
      const { number, imgId, slot } = head.value;
      throw bad(
        name,
        number,
        `has candidate ${slot} of "${imgId}", which is not in the export or not at this place`,
      );
    },
    close: async () => void (await lines.return(undefined)),
  };
}

async function* candidatesIn(file: string, name: string) {
  let number = 0;
  for await (const text of linesOf(file, name, MAX_LINE_BYTES)) {
    number++;
    const line = parsed(text);
    if (!Check(Line, line)) throw bad(name, number, 'is no line of what an export left out');
    if (line.other_index === null) yield { number, imgId: line.annotation_id, slot: line.image_index };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const bad = (name: string, line: number, problem: string) =>
  new DiptychError('DIPTYCH_BAD_FILE', `${name}, line ${line}: ${problem}`);

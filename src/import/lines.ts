/** Lines of a text file, ended by "\n" alone: JSON may hold every other character that readline takes for an end. */
import { createReadStream } from 'node:fs';
import { DiptychError } from '../errors.ts';

const NEWLINE = 0x0a;

/** Throws DIPTYCH_BAD_FILE for a line of more than `maxBytes`, whose rest is not read. */
export async function* linesOf(path: string, name: string, maxBytes: number): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  let [length, line] = [0, 1];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) {
      const end = chunk.indexOf(NEWLINE, at);
      const piece = chunk.subarray(at, end < 0 ? chunk.length : end);
      pieces.push(piece);
      length += piece.length;
      if (length > maxBytes)
        throw new DiptychError('DIPTYCH_BAD_FILE', `${name}: line ${line} has more than ${maxBytes} bytes`);
      if (end < 0) break;
      yield Buffer.concat(pieces).toString('utf8');
      [pieces, length] = [[], 0];
      line++;
      at = end + 1;
    }
  }
  if (length > 0) yield Buffer.concat(pieces).toString('utf8');
}

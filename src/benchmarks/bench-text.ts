/** The bytes of a benchmark's file as text, with what is wrong told by line and column. */
import { unpacked } from '../annotations/unpacked.ts';
import { DiptychError } from '../errors.ts';

/** Of the unpacked file; the published CSV of DPG-Bench is a tenth of it. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** `column`: the name of one, or a place in the line. */
export const badFile = (line: number, column: string, reason: string) =>
  new DiptychError('DIPTYCH_BAD_FILE', `line ${line}, ${column}: ${reason}; nothing of the file was stored`);

/** Gzip or not. Throws DIPTYCH_BAD_FILE for what is damaged, too long or not UTF-8. */
export async function benchText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of unpacked(body)) {
    if (chunk instanceof Error) throw new DiptychError('DIPTYCH_BAD_FILE', chunk.message);
    length += chunk.length;
    if (length > MAX_FILE_BYTES) {
      throw new DiptychError('DIPTYCH_BAD_FILE', `the file is longer than ${MAX_FILE_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  try {
    return utf8.decode(bytes);
  } catch {
    throw notUtf8(bytes);
  }
}

/** The first line that is none; a byte of a longer character is never a line's end. */
function notUtf8(bytes: Buffer): DiptychError {
  for (let line = 1, from = 0; ; line++) {
    const end = bytes.indexOf(0x0a, from);
    const text = bytes.subarray(from, end < 0 ? undefined : end);
    const decoded = text.toString('utf8');
    const shared = [...Buffer.from(decoded)].findIndex((byte, i) => byte !== text[i]);
    if (shared >= 0) {
      return badFile(line, `byte ${shared + 1} of the line`, 'is no UTF-8; save the file as UTF-8');
    }
    from = end + 1;
  }
}

/** Entries of a tar archive (POSIX ustar) whose headers hold nothing of when or by whom they were written. */
import { DiptychError } from '../errors.ts';

const BLOCK = 512;
const NAME_BYTES = 100;

/** Two empty blocks. */
export const TAR_END = new Uint8Array(2 * BLOCK);

/** Header, content and padding. Throws DIPTYCH_INVALID_INPUT for a name of more than 100 bytes. */
export function tarEntry(name: string, content: Uint8Array): Uint8Array[] {
  if (Buffer.byteLength(name) > NAME_BYTES) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `"${name}" is too long for a tar entry, at most ${NAME_BYTES} bytes`,
    );
  }
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  header.write(name, 0);
  octal(0o644, 100, 7); // mode
  octal(0, 108, 7); // user
  octal(0, 116, 7); // group
  octal(content.length, 124, 11);
  octal(0, 136, 11); // time
  header.write('        0', 148, 'latin1'); // checksum as blanks, a regular file
  header.write('ustar\u000000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return [header, content, new Uint8Array((BLOCK - (content.length % BLOCK)) % BLOCK)];
}

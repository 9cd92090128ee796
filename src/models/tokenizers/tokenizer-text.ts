/** What CLIP's and BERT's tokenizers share: reading their files, and BERT's cleaning of a text (BasicTokenizer). */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { asError, DiptychError } from '../../errors.ts';

/** Throws DIPTYCH_BAD_MODEL when the file can't be read. */
export async function readText(folder: string, name: string): Promise<string> {
  const file = path.join(folder, name);
  return readFile(file, 'utf8').catch((thrown: unknown) => {
    throw new DiptychError('DIPTYCH_BAD_MODEL', `can't read ${file}: ${asError(thrown).message}`);
  });
}

/**
 * Control characters out, spaces around Chinese characters, white space to single spaces, lower case. Of the control
 * characters only tab and line ends are white space.
 */
export function cleaned(text: string): string {
  const visible = [...text.normalize('NFC')]
    .filter((c) => c !== '\ufffd' && (/[\t\n\r]/.test(c) || !/\p{C}/u.test(c)))
    .map((c) => (isChinese(c.codePointAt(0)!) ? ` ${c} ` : c))
    .join('');
  return visible.replace(/\s+/gu, ' ').trim().toLowerCase();
}

function isChinese(code: number): boolean {
  return CHINESE.some(([first, last]) => code >= first && code <= last);
}

const CHINESE: readonly (readonly [number, number])[] = [
  [0x4e00, 0x9fff],
  [0x3400, 0x4dbf],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  [0x2b820, 0x2ceaf],
  [0xf900, 0xfaff],
  [0x2f800, 0x2fa1f],
];

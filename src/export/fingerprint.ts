/** The fingerprint of a candidate's image. */
import { decodeImage } from '../engine/png.ts';
import { DiptychError } from '../errors.ts';
import { differenceHash } from '../quality/difference-hash.ts';
import type { Fingerprint } from '../quality/repeats.ts';
import { type ExportCandidate, imageUid } from './rows.ts';

/** Throws DIPTYCH_BAD_FILE, by the candidate's name, for an image that can't be decoded. */
export async function fingerprintOf(
  imgId: string,
  { slot, sha256 }: ExportCandidate,
  image: (sha256: string) => Promise<Uint8Array>,
): Promise<Fingerprint> {
  const name = imageUid(imgId, slot);
  const bytes = await image(sha256);
  try {
    return { name, sha256, ...differenceHash(await decodeImage(bytes)) };
  } catch (cause) {
    throw new DiptychError('DIPTYCH_BAD_FILE', `the image of ${name} can't be decoded`, { cause });
  }
}

/** A file that one attempt at a training adds to. */
import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from 'node:fs';

/**
 * The way to add to a file as it is now. Whoever begins anew puts another file in its place; a process that was frozen
 * meanwhile learns of it here, before it adds its steps to the other's. Throws where the file was replaced or removed.
 */
export function adderTo(file: string): (bytes: Uint8Array | string) => void {
  const own = identityOf(statSync(file, { bigint: true }));
  return (bytes) => {
    const opened = openSync(file, constants.O_WRONLY | constants.O_APPEND);
    try {
      if (identityOf(fstatSync(opened, { bigint: true })) !== own)
        throw new Error(`${file} was replaced: another attempt at this training has begun`);
      writeWhole(opened, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
    } finally {
      closeSync(opened);
    }
  };
}

/** Numbers of files are given again; none is made at the same nanosecond. */
export const identityOf = ({ ino, birthtimeNs }: { ino: bigint; birthtimeNs: bigint }) =>
  `${ino} ${birthtimeNs}`;

function writeWhole(opened: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(opened, bytes, at);
}

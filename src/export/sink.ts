/** A file written from start to end, whose size and sha256 are known when it is closed, without reading it again. */
import { createHash } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';

export interface Written {
  bytes: number;
  sha256: string;
}

export interface Sink {
  /** Takes the bytes before it returns: the caller may use their memory again. */
  write(bytes: Uint8Array): void;
  close(): Written;
}

const CHUNK_BYTES = 1024 * 1024;

/** Makes the file, or empties it. No handle stays open, so that a writer that is given up leaves nothing to close. */
export function fileSink(path: string): Sink {
  writeFileSync(path, '');
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let [used, total] = [0, 0];
  const flush = () => {
    if (used > 0) appendFileSync(path, chunk.subarray(0, used));
    used = 0;
  };
  return {
    write(bytes) {
      hash.update(bytes);
      total += bytes.length;
      if (used + bytes.length > CHUNK_BYTES) flush();
      if (bytes.length > CHUNK_BYTES) appendFileSync(path, bytes);
      else {
        chunk.set(bytes, used);
        used += bytes.length;
      }
    },
    close() {
      flush();
      return { bytes: total, sha256: hash.digest('hex') };
    },
  };
}

/** A small file at once. */
export function writeWhole(path: string, content: string | Uint8Array): Written {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  writeFileSync(path, bytes);
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

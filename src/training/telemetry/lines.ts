/** Whole lines of a file that another process may be adding to, or put another in the place of. */
import { type FileHandle, open } from 'node:fs/promises';
import { identityOf } from './own-file.ts';

/** Bytes at a time: few enough that whoever else waits for the thread waits a few milliseconds at most. */
const CHUNK = 1 << 18;

/** Lines in their order, a chunk in memory at a time; none where there is no file yet. */
export async function* readLines(file: string): AsyncGenerator<string> {
  const handle = await opened(file);
  if (!handle) return;
  try {
    for await (const { lines } of chunksFrom(handle, 0)) yield* lines;
  } finally {
    await handle.close();
  }
}

/**
 * Reads what was added since the call before, one call at a time. `begin` gives what takes the lines, and is asked for
 * another where the file is another than before, or shorter: then all its lines come anew.
 */
export function followLines(file: string, begin: () => (line: string) => void): () => Promise<void> {
  let identity: string | null = null;
  let end = 0;
  let take = begin();
  return async () => {
    const handle = await opened(file);
    try {
      const stat = await handle?.stat({ bigint: true });
      const now = stat ? identityOf(stat) : null;
      if (identity !== now || (stat && stat.size < end)) {
        if (identity !== null) take = begin();
        [identity, end] = [now, 0];
      }
      if (!handle) return;
      for await (const chunk of chunksFrom(handle, end)) {
        chunk.lines.forEach(take);
        end = chunk.end;
      }
    } finally {
      await handle?.close();
    }
  };
}

async function opened(file: string): Promise<FileHandle | null> {
  try {
    return await open(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The lines that end in each chunk after byte `from`, and the byte after the last of them. */
async function* chunksFrom(
  handle: FileHandle,
  from: number,
): AsyncGenerator<{ lines: string[]; end: number }> {
  let cut = Buffer.alloc(0);
  let end = from;
  const input = handle.createReadStream({ start: from, highWaterMark: CHUNK, autoClose: false });
  for await (const read of input) {
    const bytes = Buffer.concat([cut, read]);
    const whole = bytes.lastIndexOf('\n') + 1;
    end += whole;
    cut = bytes.subarray(whole);
    if (whole > 0) yield { lines: bytes.toString('utf8', 0, whole - 1).split('\n'), end };
  }
}

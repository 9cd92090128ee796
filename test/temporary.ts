/** Folders that go away with the test. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

export async function temporaryFolder(t: { after(clean: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

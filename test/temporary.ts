/** Folders that go away with the test. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the tests' Python scripts with the packages that test/run.ts installs. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const folder = process.env.DIPTYCH_PYTHON_PATH;

/** Why Python tests can't run here; false when they can. */
export const withoutPython: string | false = folder
  ? false
  : 'python3 with pyarrow, datasets and the other readers is not there (npm test installs them where python3 has pip)';

/** What a script (its path in this folder) prints, as JSON. `home` is a folder for its caches. */
export async function python<T>(script: string, home: string, ...args: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)('python3', [path.join(import.meta.dirname, script), ...args], {
    maxBuffer: 64 * 1024 * 1024,
    env: {
      PATH: process.env.PATH,
      PYTHONPATH: folder,
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONIOENCODING: 'utf-8',
      HOME: home,
      HF_HOME: home,
      HF_HUB_OFFLINE: '1',
      HF_DATASETS_DISABLE_PROGRESS_BARS: '1',
    },
  });
  return JSON.parse(stdout) as T;
}

/**
 * Python's pyarrow, pandas, polars, DuckDB, datasets, webdataset and tensorboard, in .python, for the tests that read files the way their users do,
 * and schemathesis, which makes requests out of the API's own description.
 * Missing Python is no error: those tests are then skipped by name.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const PACKAGES = [
  ...['pyarrow==25.0.1', 'pandas==3.1.1', 'duckdb==1.5.6', 'datasets==5.0.1', 'webdataset==1.0.2'],
  ...['pillow==13.0.0', 'polars==2.1.0', 'tensorboard==2.21.0', 'schemathesis==4.32.5'],
  'check-jsonschema==0.39.0',
];

/** Installs the packages where they are missing. Null when they are there, else why they can't be. */
export function ensurePython(folder: string): string | null {
  const stamp = path.join(folder, 'installed');
  const wanted = PACKAGES.join('\n');
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted) return null;
  if (spawnSync('python3', ['-m', 'pip', '--version']).status !== 0)
    return 'python3 with pip is not installed';

  console.error('set-up: installing Python readers for the tests ...');
  fs.rmSync(folder, { recursive: true, force: true });
  const options = ['--quiet', '--disable-pip-version-check', '--no-cache-dir', '--target', folder];
  const result = spawnSync('python3', ['-m', 'pip', 'install', ...options, ...PACKAGES], {
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    return `pip could not install ${PACKAGES.join(', ')}: ${result.stderr.trim().split('\n').at(-1)}`;
  }
  fs.writeFileSync(stamp, wanted);
  return null;
}

/** The examples of both clients, as they are shipped, against the real service. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { withoutPython } from '../python.ts';
import { scenes } from '../scenes.ts';
import { startHome } from '../service/home.ts';
import { temporaryFolder } from '../temporary.ts';

const CLIENTS = path.resolve(import.meta.dirname, '../../clients');

test('TypeScript and Python ingest, run, follow and load what comes out', { timeout: 600_000 }, async (t) => {
  const { service } = await startHome(t, scenes(1));
  const folder = await temporaryFolder(t);
  const annotations = path.join(folder, 'annotations.json');
  await writeFile(annotations, JSON.stringify(scenes(8)));
  const example = async (program: string, file: string, env: Record<string, string>) => {
    const out = path.join(folder, path.basename(file));
    const { stdout } = await promisify(execFile)(program, [path.join(CLIENTS, file), annotations, out], {
      env: { PATH: process.env.PATH, HOME: folder, DIPTYCH_URL: service.url, ...env },
      maxBuffer: 64 * 1024 * 1024,
    });
    const { version } = JSON.parse(await readFile(path.join(out, 'manifest.json'), 'utf8')) as {
      version: string;
    };
    return { stdout, version };
  };

  await t.test('typescript', async () => {
    const { stdout, version } = await example(process.execPath, 'typescript/example.ts', {});
    assert.match(stdout, /^8 records, 0 rejected\n/);
    assert.match(stdout, / run-succeeded\n/);
    assert.match(stdout, /sha256: '[0-9a-f]{64}'/);
    assert.match(stdout, new RegExp(`version ${version}: \\d+ files, \\d+ bytes, every sha256 is right\n$`));
  });

  await t.test('python', { skip: withoutPython }, async () => {
    const { stdout, version } = await example('python3', 'python/example.py', {
      PYTHONPATH: `${process.env.DIPTYCH_PYTHON_PATH}:${path.join(CLIENTS, 'python')}`,
      ...{ PYTHONDONTWRITEBYTECODE: '1', HF_HOME: folder, HF_HUB_OFFLINE: '1' },
    });
    assert.match(stdout, /^8 records, 0 rejected\n/);
    assert.match(stdout, /^run-succeeded \{'at': /m);
    assert.match(stdout, /^count +\d+/m);
    assert.match(stdout, new RegExp(`version ${version.slice(0, 12)}: [1-9]\\d* pairs, \\['`));
  });
});

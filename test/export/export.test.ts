/** Exports as a whole: equal bytes, whole or not there, whatever happens to the process that writes them. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { grouped } from '../../src/export/rows.ts';
import { temporaryFolder } from '../temporary.ts';
import { exportMadeUp, madeUp, POLICY, sha256, stream } from './made-up.ts';
import { featuresOf, readMetadata } from './read.ts';

const world = await madeUp(40);
const NAMES = [
  'images/README.md',
  'images/data/train-00000-of-00001.parquet',
  'images/data/validation-00000-of-00001.parquet',
  'inputs.jsonl',
  'manifest.json',
  'pickapic/README.md',
  'pickapic/data/train-00000-of-00001.parquet',
  'pickapic/data/validation-00000-of-00001.parquet',
  'scores/README.md',
  'scores/scores.parquet',
];
const OTHER = { ...POLICY, reward: { policy: 'mean' as const, weights: { dpg: 2 } } };

/** sha256 by name of every file below a folder. */
async function contents(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const hashes = await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const file = path.join(parentPath, name);
      return [path.relative(folder, file), sha256(await readFile(file))] as const;
    }),
  );
  return Object.fromEntries(hashes.sort(([a], [b]) => (a < b ? -1 : 1)));
}

test('the same input gives the same bytes', async (t) => {
  const folder = await temporaryFolder(t);
  await exportMadeUp(world, `${folder}/a`);
  await exportMadeUp(world, `${folder}/b`);
  const [a, b] = [await contents(`${folder}/a`), await contents(`${folder}/b`)];
  assert.deepEqual(Object.keys(a), NAMES);
  assert.deepEqual(a, b);
  await exportMadeUp(world, `${folder}/b`, { policy: OTHER });
  assert.notEqual((await contents(`${folder}/b`))[NAMES[1]!], a[NAMES[1]!]);
});

test('the result and the manifest name every file with its size and hash, and count what went in', async (t) => {
  const folder = await temporaryFolder(t);
  const seen: number[] = [];
  const result = await exportMadeUp(world, `${folder}/export`, {
    onAnnotation: (done) => void seen.push(done),
  });
  const hashes = await contents(`${folder}/export`);
  assert.deepEqual(Object.fromEntries(result.files.map(({ name, sha256: hash }) => [name, hash])), hashes);
  for (const { name, bytes, rows } of result.files) {
    assert.equal((await stat(`${folder}/export/${name}`)).size, bytes);
    if (!name.endsWith('.parquet')) continue;
    assert.equal((await readMetadata(`${folder}/export/${name}`)).num_rows, BigInt(rows!));
  }
  assert.deepEqual([result.candidates, result.pairs], [160, 240]);
  assert.deepEqual(
    seen,
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
  const manifest = JSON.parse(await readFile(`${folder}/export/manifest.json`, 'utf8'));
  assert.deepEqual(manifest.files, result.files.slice(0, -1));
  assert.deepEqual(manifest.policy, { ...POLICY, votes: 'majority' });
  assert.equal(manifest.version, hashes['inputs.jsonl']);
  assert.deepEqual(
    [manifest.annotations.count, manifest.candidates.count, manifest.scores.count, manifest.pairs],
    [40, 160, 160, 240],
  );
});

test("a card's columns and row counts are those of the files", async (t) => {
  const folder = await temporaryFolder(t);
  const { files } = await exportMadeUp(world, `${folder}/export`);
  for (const layout of ['images', 'pickapic']) {
    const card = await readFile(`${folder}/export/${layout}/README.md`, 'utf8');
    const table = [...card.matchAll(/^\| `(\S+)` +\| (\S+) +\| .+ \|$/gm)];
    const listed = table.map(([, name, type]) => [name, type]);
    const mine = files.filter(({ name }) => name.startsWith(`${layout}/data`));
    for (const file of mine) {
      const features = Object.entries(featuresOf(await readMetadata(`${folder}/export/${file.name}`)));
      const stored = features.map(([name, { dtype, _type }]) => [
        name,
        (dtype ?? _type.toLowerCase()).replace(/\[.*/, ''),
      ]);
      assert.deepEqual(listed, stored);
    }
    assert.ok(card.includes(`- train: ${mine[0]!.rows} rows\n- validation: ${mine[1]!.rows} rows\n`));
    assert.ok(card.includes('- model: made-up: a "model"\n'));
    assert.ok(card.includes(`\nmake ${layout} again\n`));
  }
});

test('an export that fails leaves the last one as it was, and nothing of its own', async (t) => {
  const folder = await temporaryFolder(t);
  await exportMadeUp(world, `${folder}/export`);
  const before = await contents(folder);
  const failure = exportMadeUp(world, `${folder}/export`, {
    onAnnotation(done) {
      if (done === 30) throw new Error('cancelled');
    },
  });
  await assert.rejects(failure, { message: 'cancelled' });
  assert.deepEqual(await contents(folder), before);
  await assert.rejects(
    exportMadeUp(world, `${folder}/other`, { load: () => Promise.reject(new Error('no blob')) }),
    { message: 'no blob' },
  );
  assert.deepEqual(await readdir(folder), ['export']);
});

test('a second export replaces the first wholly', async (t) => {
  const folder = await temporaryFolder(t);
  await exportMadeUp(world, `${folder}/fresh`);
  await mkdir(`${folder}/export/images/data`, { recursive: true });
  await writeFile(`${folder}/export/images/data/train-00000-of-00007.parquet`, 'of another export');
  await exportMadeUp(world, `${folder}/export`);
  assert.deepEqual(await contents(`${folder}/export`), await contents(`${folder}/fresh`));
});

test('a killed export leaves no final name, and the next one clears it away', async (t) => {
  const folder = await temporaryFolder(t);
  const child = fork(path.join(import.meta.dirname, 'export-child.ts'), [`${folder}/export`]);
  await once(child, 'message');
  child.kill('SIGKILL');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  const left = await readdir(folder);
  assert.equal(left.length, 1);
  assert.match(left[0]!, /^export\.partial-/);
  await exportMadeUp(world, `${folder}/export`);
  assert.deepEqual(await readdir(folder), ['export']);
  await exportMadeUp(world, `${folder}/undisturbed`);
  assert.deepEqual(await contents(`${folder}/export`), await contents(`${folder}/undisturbed`));
});

test('a stale export fails and changes nothing of the one that took its place', async (t) => {
  const folder = await temporaryFolder(t);
  const [reached, resume] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stale = exportMadeUp(world, `${folder}/export`, {
    policy: OTHER,
    async onAnnotation(done) {
      if (done !== 20) return;
      reached.resolve();
      await resume.promise;
    },
  });
  const failed = assert.rejects(stale, { code: 'ENOENT' });
  await reached.promise;
  await exportMadeUp(world, `${folder}/export`);
  const after = await contents(folder);
  resume.resolve();
  await failed;
  assert.deepEqual(await contents(folder), after);
});

test('annotations of another version than asked for leave nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const annotations = structuredClone(world.annotations);
  annotations[20]!.candidates[1]!.scores.dpg = 0.123;
  await assert.rejects(exportMadeUp(world, `${folder}/export`, { annotations: stream(annotations) }), {
    code: 'DIPTYCH_CONFLICT',
    message: /^annotations, scores or votes changed on the way: they are version [0-9a-f]{64} now/,
  });
  assert.deepEqual(await readdir(folder), []);
});

test('an export of nothing is a valid score table and three cards', async (t) => {
  const folder = await temporaryFolder(t);
  const result = await exportMadeUp(
    { annotations: [], images: new Map(), pixels: new Map() },
    `${folder}/export`,
  );
  assert.deepEqual(
    result.files.flatMap(({ name, rows }) => (rows === undefined ? [] : [[name, rows]])),
    [['scores/scores.parquet', 0]],
  );
  assert.deepEqual(
    Object.keys(await contents(`${folder}/export`)),
    NAMES.filter((name) => !name.includes('/data/')),
  );
});

test('rows are grouped by annotation, in order, none lost', async () => {
  const rows = ['a', 'a', 'b', 'c', 'c', 'c'].map((imgId, i) => ({ imgId, i }));
  const groups = await Array.fromAsync(grouped(stream(rows)));
  assert.deepEqual(
    groups.map((group) => group.map(({ i }) => i)),
    [[0, 1], [2], [3, 4, 5]],
  );
  assert.deepEqual(await Array.fromAsync(grouped(stream([]))), []);
});

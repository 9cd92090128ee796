/** Files that runs share: found, linked, copied, damaged, evicted. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  CHECKSUM_BYTES,
  openTrajectoryFiles,
  type TrajectoryFiles,
} from '../../src/training/trajectories/trajectory-files.ts';
import { trimFolder } from '../../src/training/trajectories/trim-folder.ts';
import { temporaryFolder } from '../temporary.ts';

const KEY = 'ab12';
const CONTENT = Uint8Array.from([1, 2, 3, 4, 5, 6]);

const contentOf = async (files: TrajectoryFiles) => [
  ...(await readFile(files.pathOf(KEY))).subarray(CHECKSUM_BYTES),
];

/** The lines that are told of damage. */
function toldLines(t: TestContext): string[] {
  const lines: string[] = [];
  t.mock.method(console, 'error', (line: string) => void lines.push(line));
  return lines;
}

/** Two runs' own folders and the one that they share. */
async function folders(t: TestContext) {
  const top = await temporaryFolder(t);
  const [a, b, shared] = ['a', 'b', 'shared'].map((name) => path.join(top, name)) as [string, string, string];
  return { a, b, shared, inShared: path.join(shared, 'ab', KEY) };
}

test('what one run made, another holds as the same file, which outlives the shared one', async (t) => {
  const { a, b, shared, inShared } = await folders(t);
  const first = await openTrajectoryFiles(a, shared);
  assert.equal(await first.hold(KEY), false);
  await first.add(new Map([[KEY, CONTENT]]));
  assert.equal(await first.hold(KEY), true);
  const second = await openTrajectoryFiles(b, shared);
  assert.equal(await second.hold(KEY), true);
  const inodes = [first.pathOf(KEY), second.pathOf(KEY), inShared].map((file) => statSync(file).ino);
  assert.equal(new Set(inodes).size, 1);
  await rm(shared, { recursive: true });
  assert.equal(await second.hold(KEY), true);
  assert.deepEqual(await contentOf(second), [...CONTENT]);
});

test('without a shared folder a run keeps its own', async (t) => {
  const { a } = await folders(t);
  const files = await openTrajectoryFiles(a);
  assert.equal(await files.hold(KEY), false);
  await files.add(new Map([[KEY, CONTENT]]));
  assert.equal(await (await openTrajectoryFiles(a)).hold(KEY), true);
  assert.deepEqual(await readdir(a), [KEY]);
});

test('a damaged file is told in one line, is not held, and is made again', async (t) => {
  const { a, b, shared, inShared } = await folders(t);
  const files = await openTrajectoryFiles(a, shared);
  const damages: Record<string, () => Promise<unknown>> = {
    empty: () => truncate(inShared, 0),
    'cut in the checksum': () => truncate(inShared, 20),
    'cut in the content': () => truncate(inShared, CHECKSUM_BYTES + 3),
    longer: () => truncate(inShared, CHECKSUM_BYTES + 7),
    ...Object.fromEntries(
      [0, CHECKSUM_BYTES, CHECKSUM_BYTES + 5].map((at) => [
        `flipped at ${at}`,
        async () => {
          const bytes = await readFile(inShared);
          bytes[at]! ^= 1;
          await writeFile(inShared, bytes);
        },
      ]),
    ),
    'of another key': async () => {
      const other = await openTrajectoryFiles(b);
      await other.add(new Map([['ab34', CONTENT]]));
      await copyFile(other.pathOf('ab34'), inShared);
    },
  };
  const lines = toldLines(t);
  for (const [what, damage] of Object.entries(damages)) {
    await files.add(new Map([[KEY, CONTENT]]));
    assert.equal(await files.hold(KEY), true, what);
    await damage();
    // A new run finds it only in the shared folder.
    const fresh = path.join(b, what);
    const other = await openTrajectoryFiles(fresh, shared);
    assert.equal(await other.hold(KEY), false, what);
    assert.deepEqual(lines.splice(0), [
      `${other.pathOf(KEY)} is damaged or cut short: it is removed and made again`,
    ]);
    assert.ok(!existsSync(inShared), what);
    // The run that held the same file notices too.
    assert.equal(await files.hold(KEY), false, what);
    assert.equal(lines.splice(0).length, 1);
    await other.add(new Map([[KEY, CONTENT]]));
    assert.deepEqual(await contentOf(other), [...CONTENT]);
    assert.equal(await files.hold(KEY), true, what);
    await rm(files.pathOf(KEY));
    await rm(inShared);
  }
});

test('a file that another run made at the same time stays, and both hold what they made', async (t) => {
  const { a, b, shared, inShared } = await folders(t);
  const [first, second] = [await openTrajectoryFiles(a, shared), await openTrajectoryFiles(b, shared)];
  await Promise.all(
    [first, second].flatMap((files) =>
      Array.from({ length: 20 }, () => files.add(new Map([[KEY, CONTENT]]))),
    ),
  );
  for (const files of [first, second]) {
    assert.equal(await files.hold(KEY), true);
    assert.deepEqual(await readdir(path.dirname(files.pathOf(KEY))), [KEY]);
  }
  assert.deepEqual(await readdir(path.dirname(inShared)), [KEY]);
});

test('of a batch that a kill cut short nothing is held, of a whole one everything', async (t) => {
  const { a, shared, inShared } = await folders(t);
  await (await openTrajectoryFiles(a)).add(new Map([[KEY, CONTENT]]));
  const [partial, whole] = ['batch-1.partial', 'batch-2'].map((name) => path.join(a, name));
  await mkdir(partial!);
  await rename(path.join(a, KEY), path.join(partial!, KEY));
  assert.equal(await (await openTrajectoryFiles(a, shared)).hold(KEY), false);
  assert.deepEqual(await readdir(a), []);

  await (await openTrajectoryFiles(a)).add(new Map([[KEY, CONTENT]]));
  await mkdir(whole!);
  await rename(path.join(a, KEY), path.join(whole!, KEY));
  assert.equal(await (await openTrajectoryFiles(a, shared)).hold(KEY), true);
  assert.deepEqual(await readdir(a), [KEY]);
  assert.ok(existsSync(inShared), 'it is shared, late');
});

test('on another file system, files are copied', async (t) => {
  const { a, b } = await folders(t);
  await openTrajectoryFiles(a);
  const elsewhere = '/dev/shm';
  if (!existsSync(elsewhere) || statSync(elsewhere).dev === statSync(a).dev)
    return t.skip(`${elsewhere} is no other file system`);
  const shared = await mkdtemp(path.join(elsewhere, 'diptych-test-'));
  t.after(() => rm(shared, { recursive: true }));
  const files = await openTrajectoryFiles(a, shared);
  await files.add(new Map([[KEY, CONTENT]]));
  const other = await openTrajectoryFiles(b, shared);
  assert.equal(await other.hold(KEY), true);
  assert.deepEqual(await contentOf(other), [...CONTENT]);
  assert.deepEqual(await readdir(path.join(shared, 'ab')), [KEY]);
  assert.deepEqual(await readdir(b), [KEY]);
});

test('a folder is trimmed to its size, what was used longest ago first; using is holding', async (t) => {
  const { a, b, shared } = await folders(t);
  const files = await openTrajectoryFiles(a, shared);
  const keys = ['aa1', 'bb2', 'cc3', 'aa4'];
  const inShared = (key: string) => path.join(shared, key.slice(0, 2), key);
  for (const [i, key] of keys.entries()) {
    await files.add(new Map([[key, CONTENT]]));
    await utimes(inShared(key), i, i);
  }
  const other = await openTrajectoryFiles(b, shared);
  assert.equal(await other.hold('aa1'), true);
  const left = async () =>
    (await Promise.all(keys.map(async (key) => existsSync(inShared(key)) && key))).filter(Boolean);
  const { size } = await stat(inShared('aa1'));
  await trimFolder(shared, 4 * size);
  assert.deepEqual(await left(), keys);
  await trimFolder(shared, 3 * size - 1);
  assert.deepEqual(await left(), ['aa1', 'aa4']);
  await trimFolder(shared, 0);
  assert.deepEqual(await left(), []);
  for (const key of keys) assert.equal(await files.hold(key), true, 'a run loses nothing');
});

/** The parts of single layouts that no reader shows: headers of tars, ranks within a margin, names of images. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ranksOf } from '../../src/export/layouts/image-reward.ts';
import { TAR_END, tarEntry } from '../../src/export/tar.ts';
import type { Vote } from '../../src/preference/votes.ts';
import { temporaryFolder } from '../temporary.ts';
import { exportMadeUp, madeUp, POLICY } from './made-up.ts';

test('tar reads the entries back, with nothing of a user or a time in their headers', async (t) => {
  const folder = await temporaryFolder(t);
  const contents = { 'a.txt': Buffer.from('one'), 'b.bin': Buffer.alloc(512, 7), 'ü.txt': Buffer.alloc(0) };
  const blocks = Object.entries(contents).flatMap(([name, bytes]) => tarEntry(name, bytes));
  await writeFile(`${folder}/x.tar`, Buffer.concat([...blocks, TAR_END]));
  const told = execFileSync('tar', ['--utc', '--numeric-owner', '-tvf', `${folder}/x.tar`], {
    encoding: 'utf8',
  });
  const lines = told.trimEnd().split('\n');
  assert.ok(
    lines.every((line) => /^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00 /.test(line)),
    told,
  );
  execFileSync('tar', ['-xf', `${folder}/x.tar`, '-C', folder]);
  for (const [name, bytes] of Object.entries(contents)) {
    assert.deepEqual(await readFile(path.join(folder, name)), bytes);
  }
  assert.throws(() => tarEntry('é'.repeat(51), Buffer.alloc(0)), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: /is too long for a tar entry, at most 100 bytes/,
  });
});

test('ranks: 1 and how many are better by more than the margin', () => {
  assert.deepEqual(ranks([0.1, 0.9, 0.5, 0.5], 0), [4, 1, 2, 2]);
  assert.deepEqual(ranks([0.125, 0.875, 0.5, 0.375], 0.125), [4, 1, 2, 2]);
  assert.deepEqual(ranks([1, 1], 0), [1, 1]);
  assert.deepEqual(ranks([], 0), []);
});

test('ranks go by votes where there are any, and by reward elsewhere', () => {
  const rank = ['u2', 'u0', 'u3', 'u1'];
  assert.deepEqual(
    ranks([0.1, 0.9, 0.5, 0.5], 0, [{ voter: 'ada', candidates: rank, ranking: rank }]),
    [2, 4, 1, 3],
  );
  assert.deepEqual(
    ranks([0.1, 0.9, 0.5], 0, [{ voter: 'ada', candidates: ['u0', 'u1'], ranking: [] }]),
    [2, 1, 2],
  );
});

const ranks = (rewards: number[], margin: number, votes: Vote[] = []) =>
  ranksOf(
    rewards.map((reward, i) => ({ uid: `u${i}`, reward })),
    margin,
    votes,
  );

test('an image that stands in many pairs is one file, named by its hash', async (t) => {
  const folder = await temporaryFolder(t);
  const world = await madeUp(10);
  const { files } = await exportMadeUp(world, `${folder}/export`, {
    policy: { ...POLICY, pairs: { policy: 'all', margin: 0, ties: 'drop' } },
    layouts: ['hpdv3'],
  });
  const images = files.filter(({ name }) => name.endsWith('.png'));
  assert.deepEqual(
    images.map(({ name }) => path.basename(name, '.png')).sort(),
    [...world.images.keys()].sort(),
  );
  assert.ok(images.every(({ name, sha256 }) => name === `hpdv3/images/${sha256.slice(0, 2)}/${sha256}.png`));
});

test('an annotation whose images all tie has no ranking, and one without rewards neither', async (t) => {
  const folder = await temporaryFolder(t);
  const world = await madeUp(3);
  for (const candidate of world.annotations[0]!.candidates) candidate.reward = 0.5;
  for (const candidate of world.annotations[1]!.candidates) candidate.reward = null;
  await exportMadeUp(world, `${folder}/export`, { layouts: ['image-reward'] });
  const entries = (
    await Promise.all(
      ['train', 'validation'].map(async (split) =>
        JSON.parse(await readFile(`${folder}/export/image-reward/${split}.json`, 'utf8')),
      ),
    )
  ).flat();
  assert.deepEqual(
    entries.map(({ id }) => id),
    ['img-0002'],
  );
});

test('paired folders hold the files that the manifest names, and no more', async (t) => {
  const folder = await temporaryFolder(t);
  const policy = { ...POLICY, pairs: { policy: 'best-worst' as const, margin: 0, ties: 'drop' as const } };
  const { files, pairs } = await exportMadeUp(await madeUp(10), `${folder}/export`, {
    policy,
    layouts: ['folders'],
  });
  const entries = await readdir(`${folder}/export`, { recursive: true, withFileTypes: true });
  assert.equal(entries.filter((entry) => entry.isFile()).length, files.length);
  assert.equal(
    files.filter(({ name }) => /^folders\/(train|validation)\/(win|lose)\/\d{7}\.(png|txt)$/.test(name))
      .length,
    4 * pairs,
  );
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ensureSet } from '../../src/store/annotations.ts';
import { describeArtifacts, listArtifacts, writeArtifacts } from '../../src/store/artifacts.ts';
import { useDatabase } from '../database.ts';
import { temporaryFolder } from '../temporary.ts';

const database = await useDatabase();
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

test('a file is measured by its content, a folder by the listing of its files', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(path.join(folder, 'model', 'unet'), { recursive: true });
  await writeFile(path.join(folder, 'model', 'unet', 'weights'), 'B');
  await writeFile(path.join(folder, 'model', 'config'), 'A');
  await writeFile(path.join(folder, 'report'), 'four');
  const facts = await describeArtifacts({
    model: path.join(folder, 'model'),
    report: path.join(folder, 'report'),
  });
  const files = [
    { name: 'config', bytes: 1, sha256: sha256('A') },
    { name: 'unet/weights', bytes: 1, sha256: sha256('B') },
  ];
  const listing = sha256(`${sha256('A')}  config\n${sha256('B')}  unet/weights\n`);
  assert.deepEqual(facts, [
    { name: 'model', path: path.join(folder, 'model'), bytes: 2, sha256: listing, files },
    { name: 'report', path: path.join(folder, 'report'), bytes: 4, sha256: sha256('four') },
  ]);
  await assert.rejects(describeArtifacts({ gone: path.join(folder, 'gone') }), { code: 'ENOENT' });
});

test('an artifact of the same name replaces the one before, and both are in the log', async () => {
  const { store } = database;
  const { id: setId } = await ensureSet(store, 'artifacts');
  const { id } = await store.run.create({ data: { kind: 'curate', settings: {}, setId } });
  const artifact = { name: 'a', path: '/a', bytes: 3, sha256: sha256('a') };
  const large = { ...artifact, bytes: 5_000_000_000 };
  for (const one of [artifact, large]) await store.$transaction((tx) => writeArtifacts(tx, id, [one]));
  assert.deepEqual(await listArtifacts(store, id), [large]);
  const events = await store.event.findMany({ where: { runId: id }, orderBy: { id: 'asc' } });
  assert.deepEqual(
    events.map(({ type, data }) => [type, data]),
    [
      ['artifact-written', { name: 'a', bytes: 3 }],
      ['artifact-written', { name: 'a', bytes: 5_000_000_000 }],
    ],
  );
});

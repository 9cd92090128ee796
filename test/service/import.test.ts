/** From a Pick-a-Pic file through the real service to a tuned model, without generating or scoring anything. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openClient } from '../../clients/typescript/client.ts';
import { diptych } from '../cli/run-command.ts';
import { writePickapic } from '../import/made-up-pickapic.ts';
import { scenes } from '../scenes.ts';
import { temporaryFolder } from '../temporary.ts';
import { startHome } from './home.ts';

test('diptych import, then a training whose pairs are the labels', { timeout: 240_000 }, async (t) => {
  const { service, store } = await startHome(t, scenes(1));
  const file = path.join(await temporaryFolder(t), 'train.parquet');
  await writePickapic(file, 6);
  const args = [file, '--as', 'pickapic', '--set', 'pick', '--upload', '--url', service.url, '--json'];
  const imported = await diptych('import', ...args);
  assert.deepEqual([imported.code, imported.stderr], [0, '']);
  const { id: sourceRun } = await store.run.findFirstOrThrow({ where: { kind: 'import' } });
  assert.equal(JSON.parse(imported.stdout).id, sourceRun);

  const client = openClient(service.url);
  const ask = (settings: object) =>
    client.createRun({ kind: 'train', annotationSet: 'pick', settings: { sourceRun, ...settings } });
  const train = { objective: 'diffusion-dpo', steps: 2, pairsPerStep: 2, warmUp: 0 };
  await assert.rejects(ask({ train }), /settings.reward.weights names "dpg"; measured are label/);
  const reward = { weights: { label: 1 } };
  await assert.rejects(
    ask({ reward, train: { ...train, validation: {} } }),
    /settings.train.validation measures images that are drawn anew, but settings.reward.weights names "label"/,
  );
  const run = await client.watchRun((await ask({ reward, train })).id, () => {});
  assert.deepEqual([run.status, run.error], ['succeeded', null]);
  const artifacts = await client.artifacts(run.id);
  const telemetry = artifacts.find(({ name }) => name === 'telemetry.jsonl')!;
  assert.equal((await readFile(telemetry.path, 'utf8')).trimEnd().split('\n').length, 2);
});

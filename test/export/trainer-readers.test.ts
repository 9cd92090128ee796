/** Exports without ties in every layout, in the hands of the trainers' readers: each finds the right winner in every row. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LAYOUT_NAMES } from '../../src/export/layouts/index.ts';
import { PARQUET_WRITERS } from '../../src/export/parquet-writers.ts';
import { python, withoutPython } from '../python.ts';
import { temporaryFolder } from '../temporary.ts';
import { exportMadeUp, madeUp, POLICY, rewardOf } from './made-up.ts';

const READERS = [
  'Diffusion-DPO',
  'Inversion-DPO',
  'diffusers DPO',
  'diffusers DPO SDXL',
  'diffusers ORPO',
  'diffusers ORPO webdataset',
  'MaPO',
  'InPO, SmPO',
  'PickScore',
  'invoke-training',
  'chosen and rejected',
  'HPSv3',
  'ImageReward',
  'paired folders',
];

for (const writer of PARQUET_WRITERS) {
  test(`readers of trainers, files by ${writer}`, { skip: withoutPython }, async (t) => {
    const folder = await temporaryFolder(t);
    const world = await madeUp(20);
    const policy = { ...POLICY, pairs: { policy: 'all' as const, margin: 0, ties: 'drop' as const } };
    await exportMadeUp(world, `${folder}/export`, { policy, layouts: LAYOUT_NAMES, writer });
    const want: string[] = [];
    for (const [n, { candidates }] of world.annotations.entries()) {
      const pixels = candidates.map(({ sha256 }) => world.pixels.get(sha256));
      for (let a = 0; a < 4; a++) {
        for (let b = 0; b < 4; b++) {
          if (rewardOf(n, a) > rewardOf(n, b)) want.push(`${pixels[a]} ${pixels[b]}`);
        }
      }
    }
    const seen = await python<Record<string, [string, string][]>>(
      'export/trainer_readers.py',
      folder,
      `${folder}/export`,
    );
    assert.deepEqual(Object.keys(seen), READERS);
    for (const reader of READERS) {
      const got = seen[reader]!.map(([winner, loser]) => `${winner} ${loser}`);
      assert.deepEqual(got.sort(), [...want].sort(), reader);
    }
  });
}

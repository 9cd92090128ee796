/** Event files: their bytes by hand and by known checksums, and in the hands of TensorBoard itself. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { decodeImage } from '../../src/engine/png.ts';
import { openRunTelemetry } from '../../src/training/telemetry/run-telemetry.ts';
import { crc32c, eventFileStart, imageEvent, scalarEvent } from '../../src/training/telemetry/tensorboard.ts';
import { openValidationFiles } from '../../src/training/validation/validation-files.ts';
import { python, withoutPython } from '../python.ts';
import { temporaryFolder } from '../temporary.ts';
import { stepEntry } from './step-entry.ts';

test('CRC32C gives the values of RFC 3720, B.4, and the one of "123456789"', () => {
  const bytes = (of: (i: number) => number) => Uint8Array.from({ length: 32 }, (_, i) => of(i));
  assert.equal(crc32c(bytes(() => 0)), 0x8a9136aa);
  assert.equal(crc32c(bytes(() => 255)), 0x62a8ab43);
  assert.equal(crc32c(bytes((i) => i)), 0x46dd794e);
  assert.equal(crc32c(bytes((i) => 31 - i)), 0x113fdb5c);
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
});

test('a record is a length, its message and two checksums; a message its fields as protobuf has them', () => {
  const record = scalarEvent(300, 1.5, [['ab', 0.25]]);
  assert.equal(record.readBigUInt64LE(0), BigInt(record.length - 16));
  assert.equal(
    record.subarray(12, -4).toString('hex'),
    // wall_time 1.5; step 300; summary { value { tag "ab", simple_value 0.25 } }
    ['09000000000000f83f', '10ac02', '2a0b', '0a09', '0a026162', '150000803e'].join(''),
  );
  assert.match(eventFileStart(1).toString('latin1'), /brain\.Event:2/);
});

interface Seen {
  version: string;
  records: number;
  scalars: Record<string, [step: number, at: number, value: number][]>;
  /** Base64 of the file. */
  images: Record<string, [step: number, width: number, height: number, png: string][]>;
}
const read = (home: string, folder: string) => python<Seen>('training/read_events.py', home, folder);

test('TensorBoard reads what was written: every scalar of every step, large steps too', {
  skip: withoutPython,
}, async (t) => {
  const home = await temporaryFolder(t);
  const folder = path.join(home, 'events');
  await mkdir(folder);
  const steps = [1, 127, 128, 2 ** 31, 2 ** 40];
  const file = [
    eventFileStart(10),
    ...steps.map((step, i) =>
      scalarEvent(step, 1000.25 + i, [
        ['loss', 0.1 * i],
        ['timestep-900/accuracy', -i],
      ]),
    ),
  ];
  await writeFile(path.join(folder, 'events.out.tfevents.0'), Buffer.concat(file));
  const seen = await read(home, folder);
  assert.deepEqual([seen.version, seen.records], ['brain.Event:2', 1 + steps.length]);
  assert.deepEqual(seen.scalars, {
    loss: steps.map((step, i) => [step, 1000.25 + i, Math.fround(0.1 * i)]),
    'timestep-900/accuracy': steps.map((step, i) => [step, 1000.25 + i, -i]),
  });
});

test('an image is a message of height, width, three channels and its file', () => {
  const png = Uint8Array.of(7, 8, 9);
  assert.equal(
    imageEvent(2, 1.5, 'ab', { width: 300, height: 4, png }).subarray(12, -4).toString('hex'),
    // wall_time 1.5; step 2; summary { value { tag "ab", image { 4, 300, 3, bytes } } }
    [
      '09000000000000f83f',
      '1002',
      '2a14',
      '0a12',
      '0a026162',
      '220c',
      '0804',
      '10ac02',
      '1803',
      '2203070809',
    ].join(''),
  );
});

test('TensorBoard reads measurements of a run that went on: each once, with its images', {
  skip: withoutPython,
}, async (t) => {
  const home = await temporaryFolder(t);
  const entry = (step: number, reward: number) => ({
    ...{ step, at: 5, seconds: 1, loss: null },
    images: [{ id: 'a', reward, metrics: { dpg: reward / 2 } }],
  });
  const shown = (level: number) => [{ width: 48, height: 48, data: new Uint8Array(3 * 48 * 48).fill(level) }];
  const first = await openValidationFiles(home, 0);
  await first.add(entry(0, 0.5), shown(10));
  await first.add(entry(5, 9), shown(20));
  const second = await openValidationFiles(home, 4);
  await second.add(entry(5, 0.75), shown(30));
  const { scalars, images } = await read(home, path.join(home, 'tensorboard', 'validation'));
  assert.deepEqual(scalars, {
    'validation/reward': [
      [0, 5, 0.5],
      [5, 5, 0.75],
    ],
    'validation/dpg': [
      [0, 5, 0.25],
      [5, 5, 0.375],
    ],
  });
  const [before, after] = images['validation/images']!;
  assert.deepEqual(
    [before!.slice(0, 3), after!.slice(0, 3)],
    [
      [0, 96, 96],
      [5, 96, 96],
    ],
  );
  const { data } = await decodeImage(Buffer.from(after![3], 'base64'));
  assert.ok(data.every((byte) => byte === 30));
});

test('a run that goes on has every step in its event file once', { skip: withoutPython }, async (t) => {
  const home = await temporaryFolder(t);
  const first = await openRunTelemetry(home, 0);
  for (const step of [1, 2, 3]) first.record(stepEntry({ step, loss: step }));
  const second = await openRunTelemetry(home, 2);
  for (const step of [3, 4]) second.record(stepEntry({ step, loss: 10 * step }));
  const { scalars } = await read(home, second.files.tensorboard);
  assert.deepEqual(
    scalars.loss!.map(([step, , value]) => [step, value]),
    [
      [1, 1],
      [2, 2],
      [3, 30],
      [4, 40],
    ],
  );
  assert.deepEqual(Object.keys(scalars).sort(), [
    'accuracy',
    'gradNorm',
    'learningRate',
    'loserError',
    'loserPolicyError',
    'loss',
    'margin',
    'policyEvaluations',
    'referenceEvaluations',
    'seconds',
    'tensors',
    'timestep-300/accuracy',
    'timestep-300/inside',
    'timestep-300/loserError',
    'timestep-300/winnerError',
    'updateNorm',
    'winnerError',
    'winnerPolicyError',
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvents } from '../../src/jobs/events.ts';
import { ensureSet } from '../../src/store/annotations.ts';
import type { Alarm } from '../../src/training/telemetry/alarms.ts';
import { alarmTeller } from '../../workers/alarm-events.ts';
import { useDatabase } from '../database.ts';

const { store } = await useDatabase();

test('an alarm is an event of its run, once, also when the run takes its step again', async () => {
  const { id: setId } = await ensureSet(store, 'set');
  const newRun = async () =>
    (await store.run.create({ data: { kind: 'train', settings: {}, setId, status: 'running' } })).id;
  const [run, other] = [await newRun(), await newRun()];
  const alarm = (step: number): Alarm => ({ step, kind: 'loss-spike', message: `at ${step}` });
  await (await alarmTeller(store, other))([alarm(40)]);
  const first = await alarmTeller(store, run);
  await first([]);
  await first([alarm(40), { ...alarm(40), kind: 'no-gradient' }]);
  const resumed = await alarmTeller(store, run);
  await resumed([alarm(40)]);
  await resumed([alarm(90)]);
  const events = await readEvents(store, run, '0', 10);
  assert.deepEqual(
    events.map(({ type, data }) => [type, data]),
    [
      ['train-alarm', alarm(40)],
      ['train-alarm', { ...alarm(40), kind: 'no-gradient' }],
      ['train-alarm', alarm(90)],
    ],
  );
});

/** Alarms of a training in its run's log. */
import { appendEvent } from '../src/jobs/events.ts';
import type { Store } from '../src/store/client.ts';
import type { Alarm } from '../src/training/telemetry/alarms.ts';

const nameOf = ({ step, kind }: Alarm) => `${kind} at ${step}`;

/** Tells alarms that the log does not have yet: a run that goes on from a checkpoint takes some steps again. */
export async function alarmTeller(
  store: Store,
  runId: string,
): Promise<(alarms: readonly Alarm[]) => Promise<void>> {
  const events = await store.event.findMany({ where: { runId, type: 'train-alarm' } });
  const told = new Set(events.map(({ data }) => nameOf(data as unknown as Alarm)));
  return async (alarms) => {
    for (const alarm of alarms) {
      if (!told.has(nameOf(alarm))) await appendEvent(store, runId, 'train-alarm', alarm);
    }
  };
}

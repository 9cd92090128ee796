/** A run's log over server-sent events: what was, then what comes. */
import { useEffect, useState } from 'preact/hooks';
import { EVENT_TYPES } from './event-types.ts';

export interface RunEvent {
  id: string;
  type: string;
  data: { at: string };
}

/** The newest are kept. */
const KEPT = 500;
/** Of these only the last one in a row tells something. */
const FLEETING = 'train-progress';

/** Oldest first. `active`: the run has not ended, so the log goes on. */
export function useRunEvents(id: string, active: boolean): RunEvent[] {
  const [events, setEvents] = useState<RunEvent[]>([]);
  useEffect(() => {
    setEvents([]);
    const source = new EventSource(`/v1/runs/${id}/events`);
    let waiting: RunEvent[] = [];
    let frame = 0;
    // Painted once a frame: a long log arrives in one burst.
    function show(): void {
      frame = 0;
      const arrived = waiting;
      waiting = [];
      setEvents((before) => withoutRepeats([...before, ...arrived]).slice(-KEPT));
    }
    for (const type of EVENT_TYPES) {
      source.addEventListener(type, (event) => {
        waiting.push({ id: event.lastEventId, type, data: JSON.parse(event.data) });
        frame ||= requestAnimationFrame(show);
      });
    }
    // The stream ends with the run; the browser would ask for it again and again.
    source.addEventListener('error', () => !active && source.close());
    return () => {
      source.close();
      cancelAnimationFrame(frame);
    };
  }, [id, active]);
  return events;
}

const withoutRepeats = (events: readonly RunEvent[]) =>
  events.filter(({ type }, i) => type !== FLEETING || events[i + 1]?.type !== FLEETING);

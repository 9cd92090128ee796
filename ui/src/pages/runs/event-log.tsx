/** The log of a run as it is written. */
import { useRunEvents } from '../../api/run-events.ts';
import { clock } from '../../format.ts';
import { describeEvent } from './describe-event.ts';

export function EventLog({ id, active }: { id: string; active: boolean }) {
  const events = useRunEvents(id, active);
  return (
    <section class="panel" aria-labelledby="log">
      <header>
        <h2 id="log">Log</h2>
        {active && <span class="small soft">live</span>}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, with keys too. */}
      <ol class="log" tabIndex={0} aria-label="Events, newest first">
        {events.toReversed().map(({ id: eventId, type, data }) => (
          <li key={eventId} class={/failed|alarm/.test(type) ? 'bad' : ''}>
            <time class="number faint" dateTime={data.at}>
              {clock(new Date(data.at))}
            </time>
            <span>{describeEvent(type, data)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

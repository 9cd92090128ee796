/** `diptych watch`: a run to its end. */
import { type Client, isOver, type Run, type RunEvent } from '../../clients/typescript/client.ts';
import { type Asked, EXIT, type ServiceValues, serviceOf } from './command.ts';
import type { Output } from './output.ts';

export async function watch({ args: [id], values, out }: Asked<ServiceValues>): Promise<number> {
  return follow(serviceOf(values), id!, out);
}

/** Bars, log and end of a run; with --json its events, a line each. Resolves with the exit code that its end has. */
export async function follow(client: Client, id: string, out: Output): Promise<number> {
  // Before anything is painted: a run that is not there is a refusal.
  await client.getRun(id);
  if (out.isJson) {
    for await (const event of client.events(id)) out.result(event, '', { isLine: true });
    return exitOfRun(await client.getRun(id));
  }
  const printer = out.progress();
  const bars = client.watchRun(id, ({ stages, secondsLeft }) => printer.show(stages, secondsLeft));
  const log = (async () => {
    for await (const event of client.events(id)) if (tells(event)) printer.log(lineOf(event));
  })();
  const [run] = await Promise.all([bars, log]);
  out.result(run, endOf(run));
  return exitOfRun(run);
}

/** Bars alone, for commands whose result is another. */
export async function followBars(client: Client, id: string, out: Output): Promise<Run> {
  const printer = out.progress();
  return client.watchRun(id, ({ stages, secondsLeft }) => printer.show(stages, secondsLeft));
}

export function exitOfRun(run: Pick<Run, 'status'>): number {
  if (run.status === 'cancelled') return EXIT.cancelled;
  return run.status === 'failed' ? EXIT.failed : EXIT.done;
}

export function endOf(run: Run): string {
  if (!isOver(run)) return `run ${run.id} is ${run.status}`;
  const seconds = run.finishedAt ? (Date.parse(run.finishedAt) - Date.parse(run.createdAt)) / 1000 : 0;
  const took = `${run.status} after ${formatSeconds(seconds)}`;
  return `run ${run.id} ${took}${run.error ? `: ${run.error}` : ''}`;
}

const formatSeconds = (seconds: number) =>
  seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

/** Steps of a training are told by its bar. */
const tells = ({ type }: RunEvent) => type !== 'train-progress';

/** Time, type and what the event says. */
export function lineOf({ type, at, id: _, ...data }: RunEvent): string {
  const told = Object.entries(data).map(([name, value]) => `${name} ${text(value)}`);
  return `${new Date(at).toTimeString().slice(0, 8)}  ${type}${told.length > 0 ? `  ${told.join(', ')}` : ''}`;
}

const text = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value));

/** `diptych runs`: listed, shown, asked for, paused, stopped, tried again. */
import type { Client, Failure, Run, RunRequest } from '../../clients/typescript/client.ts';
import { type Asked, EXIT, type ServiceValues, serviceOf, UsageError } from './command.ts';
import { formatBar, formatDuration, formatTable } from './progress.ts';
import { settingsOf, withSetting } from './settings.ts';
import { endOf, follow } from './watch.ts';

interface ListValues extends ServiceValues {
  status: string | undefined;
  kind: string | undefined;
  set: string | undefined;
  limit: string;
}

export async function listed({ values, out }: Asked<ListValues>): Promise<number> {
  const limit = Number(values.limit);
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new UsageError(`--limit is "${values.limit}", must be a whole number above 0`);
  }
  const wanted = { status: values.status, kind: values.kind, annotationSet: values.set };
  const filters = Object.entries(wanted).filter(([, value]) => value !== undefined);
  const found: Run[] = [];
  for await (const run of serviceOf(values).runs()) {
    if (!filters.every(([name, value]) => run[name as keyof Run] === value)) continue;
    found.push(run);
    if (found.length === limit) break;
  }
  out.result(found, found.length > 0 ? formatRuns(found) : 'no run; `diptych runs start` asks for one');
  return EXIT.done;
}

export function formatRuns(runs: readonly Run[]): string {
  const rows = runs.map((run) => [
    ...[run.id, run.kind, run.annotationSet, run.status, progressOf(run)],
    run.createdAt.slice(0, 16).replace('T', ' '),
  ]);
  return formatTable(['run', 'kind', 'set', 'status', 'progress', 'asked for (UTC)'], rows);
}

function progressOf({ stages, secondsLeft }: Run): string {
  const running = stages.find(({ status }) => status === 'running');
  if (!running) return '';
  const left = secondsLeft === null ? '' : `, ${formatDuration(secondsLeft)} left`;
  return `${running.name} ${Math.floor(100 * running.fraction)}%${left}`;
}

export async function shown({ args: [id], values, out }: Asked<ServiceValues>): Promise<number> {
  const client = serviceOf(values);
  const run = await client.getRun(id!);
  const failures = out.isJson ? [] : await Array.fromAsync(client.failures(id!));
  out.result(run, formatRun(run, failures));
  return EXIT.done;
}

export function formatRun(run: Run, failures: readonly Failure[]): string {
  return [
    `${run.kind} of "${run.annotationSet}", asked for ${run.createdAt}`,
    ...run.stages.map((stage) => formatBar(stage)),
    endOf(run),
    ...(run.secondsLeft === null ? [] : [`about ${formatDuration(run.secondsLeft)} left`]),
    ...(failures.length > 0 ? ['', formatFailures(failures)] : []),
    '',
    `settings ${JSON.stringify(run.settings, null, 2)}`,
  ].join('\n');
}

/** A line for each reason. */
export function formatFailures(failures: readonly Failure[]): string {
  const alike = Map.groupBy(failures, ({ stage, what, reason }) => `in ${stage}, ${what}: ${reason}`);
  const most = [...alike].sort(([, a], [, b]) => b.length - a.length);
  return [
    `${failures.length} failed alone:`,
    ...most.map(
      ([why, those]) => `  ${those.length} ${why} (the first: ${those[0]!.imgId}, slot ${those[0]!.slot})`,
    ),
  ].join('\n');
}

export async function failed({ args: [id], values, out }: Asked<ServiceValues>): Promise<number> {
  const failures = await Array.fromAsync(serviceOf(values).failures(id!));
  out.result(failures, failures.length > 0 ? formatFailures(failures) : 'nothing failed alone');
  return EXIT.done;
}

interface StartValues extends ServiceValues {
  set: string | undefined;
  from: string | undefined;
  settings: string | undefined;
  with: string[];
  watch: boolean;
}

export async function started({ args, values, out }: Asked<StartValues>): Promise<number> {
  const [kind = 'curate-then-train'] = args;
  const given = await settingsOf('--settings', values.settings);
  const named = values.from === undefined ? given : { ...given, sourceRun: values.from };
  const settings = values.with.reduce(withSetting, named);
  const client = serviceOf(values);
  const annotationSet = values.set ?? (await onlySet(client));
  const run = await client.createRun({ kind, annotationSet, settings } as RunRequest);
  out.result(run, `run ${run.id}: ${kind} of "${annotationSet}"`, { isLine: values.watch });
  if (values.watch) return follow(client, run.id, out);
  out.note(`\`diptych watch ${run.id}\` follows it`);
  return EXIT.done;
}

async function onlySet(client: Client): Promise<string> {
  const names = (await Array.fromAsync(client.annotationSets())).map(({ name }) => name);
  if (names.length === 1) return names[0]!;
  throw new UsageError(
    names.length === 0
      ? 'there is no annotation set yet: `diptych ingest FILE --set NAME` makes one'
      : `--set is missing; there are ${names.join(', ')}`,
  );
}

export const cancelled = (asked: Asked<ServiceValues>) => change(asked, (client, id) => client.cancelRun(id));
export const retried = (asked: Asked<ServiceValues>) => change(asked, (client, id) => client.retryRun(id));
export const paused = (asked: Asked<ServiceValues>) => change(asked, (client, id) => client.pauseRun(id));
export const resumed = (asked: Asked<ServiceValues>) => change(asked, (client, id) => client.resumeRun(id));
export const prioritised = (asked: Asked<ServiceValues>) =>
  change(asked, (client, id) => client.setPriority(id, asked.args[1] as Run['priority']));

async function change(
  { args: [id], values, out }: Asked<ServiceValues>,
  act: (client: Client, id: string) => Promise<Run>,
): Promise<number> {
  const run = await act(serviceOf(values), id!);
  out.result(run, endOf(run));
  return EXIT.done;
}

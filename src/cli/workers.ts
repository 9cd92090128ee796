/** `diptych workers`: who works, and at what. */
import type { Worker } from '../../clients/typescript/client.ts';
import { type Asked, EXIT, type ServiceValues, serviceOf } from './command.ts';
import { formatTable } from './progress.ts';

export async function workers({ values, out }: Asked<ServiceValues>): Promise<number> {
  const found = await serviceOf(values).workers();
  out.result(
    found,
    found.length > 0 ? formatWorkers(found) : 'no worker; `diptych start` starts one of each',
  );
  return EXIT.done;
}

function formatWorkers(found: readonly Worker[]): string {
  const rows = found.map(({ worker, host, pid, state, seenAt, task }) => [
    ...[worker, `${host}/${pid}`, state, seenAt.slice(0, 19).replace('T', ' ')],
    task ? `${task.stage} of ${task.runId}, ${Math.floor(100 * task.progress)}%` : '',
  ]);
  return formatTable(['worker', 'process', 'state', 'last seen (UTC)', 'at work on'], rows);
}

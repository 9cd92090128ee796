/** `diptych dead-letters`: tasks that were given up, and one of them tried again. */
import type { DeadLetter } from '../../clients/typescript/client.ts';
import { type Asked, EXIT, type ServiceValues, serviceOf } from './command.ts';
import { formatTable } from './progress.ts';

export async function listed({ values, out }: Asked<ServiceValues>): Promise<number> {
  const letters = await Array.fromAsync(serviceOf(values).deadLetters());
  out.result(letters, letters.length > 0 ? formatLetters(letters) : 'nothing was given up');
  return EXIT.done;
}

function formatLetters(letters: readonly DeadLetter[]): string {
  const rows = letters.map(({ id, runId, stage, lost, reason }) => [
    id,
    runId,
    stage,
    lost.join(' '),
    reason,
  ]);
  return formatTable(['id', 'run', 'stage', 'goes on without', 'reason'], rows);
}

export async function retried({ args: [id], values, out }: Asked<ServiceValues>): Promise<number> {
  await serviceOf(values).retryDeadLetter(id!);
  out.result({ id }, `${id} is tried again`);
  return EXIT.done;
}

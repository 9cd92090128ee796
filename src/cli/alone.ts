/**
 * One process of a service by itself, for machines that share a database and a bucket (docs/many-machines.md): `worker
 * NAME` and `api`.
 */
import { WORKERS } from '../jobs/queue.ts';

export async function worker([name = '']: readonly string[]): Promise<number> {
  if ((WORKERS as readonly string[]).includes(name)) return alone(`../../workers/${name}.ts`);
  console.error(`there is no worker "${name}"; there are ${WORKERS.join(', ')}`);
  return 1;
}

export const api = (): Promise<number> => alone('../api/server.ts');

/** Runs until the script ends its process itself. */
async function alone(script: string): Promise<number> {
  await import(script);
  return new Promise(() => {});
}

/**
 * One process of a service by itself, for machines that share a database and a bucket (docs/many-machines.md): `worker
 * NAME` and `api`.
 */
import type { Asked } from './command.ts';

export const worker = ({ args: [name] }: Asked): Promise<number> => alone(`../../workers/${name}.ts`);

export const api = (): Promise<number> => alone('../api/server.ts');

/** Runs until the script ends its process itself. */
async function alone(script: string): Promise<number> {
  await import(script);
  return new Promise(() => {});
}

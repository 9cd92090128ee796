/**
 * One process of a service by itself, for machines that share a database and a bucket (docs/many-machines.md): `worker
 * NAME` and `api`. Whichever comes first brings the database up to date.
 */
import { asError } from '../errors.ts';
import { WORKERS } from '../jobs/queue.ts';
import { migrate } from '../store/migrate.ts';

export async function worker([name = '']: readonly string[]): Promise<number> {
  if ((WORKERS as readonly string[]).includes(name)) return alone(`../../workers/${name}.ts`);
  console.error(`there is no worker "${name}"; there are ${WORKERS.join(', ')}`);
  return 1;
}

export const api = (): Promise<number> => alone('../api/server.ts');

/** Runs until the script ends its process itself. */
async function alone(script: string): Promise<number> {
  const url = process.env.DATABASE_URL;
  if (!url) {
    console.error(
      'DATABASE_URL is not set; it names the PostgreSQL server that all machines share: postgresql://USER:PASSWORD@HOST/DATABASE',
    );
    return 1;
  }
  try {
    await migrate(url);
  } catch (thrown) {
    console.error(asError(thrown).message);
    return 1;
  }
  await import(script);
  return new Promise(() => {});
}

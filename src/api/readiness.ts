/** What keeps the service from working. */
import { asError } from '../errors.ts';
import { log } from '../log.ts';
import { missingMigrations } from '../store/migrate.ts';
import type { Services } from './services.ts';

/** The longest that a check may take before it counts as failed. */
const PATIENCE_MS = 3000;

/** Empty: it can work. Says no more than anybody may know. */
export async function notReady({ store, blobs }: Services): Promise<string[]> {
  const checks: [name: string, check: () => Promise<unknown>][] = [
    ['database', () => store.$queryRaw`SELECT 1`],
    [
      'migrations',
      async () => {
        const missing = await missingMigrations(store);
        if (missing.length > 0) throw new Error(missing.join(', '));
      },
    ],
    ['blobs', () => blobs.check()],
  ];
  const failed = await Promise.all(
    checks.map(async ([name, check]) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
      });
      try {
        await Promise.race([check(), late]);
        return [];
      } catch (thrown) {
        return [{ name, error: asError(thrown) }];
      } finally {
        clearTimeout(timer);
      }
    }),
  );
  for (const { name, error } of failed.flat()) log.warn({ check: name, err: error }, 'not ready');
  return failed.flat().map(({ name }) => name);
}

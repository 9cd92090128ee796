/** The database of a store: DATABASE_URL when it is set, else the embedded PostgreSQL; migrated either way. */

import { migrate } from './migrate.ts';
import { startEmbeddedPostgres } from './postgres.ts';

export interface Database {
  url: string;
  /** Starts an embedded server again that has died; true: it had. A server of the user's own is left alone. */
  revive(): Promise<boolean>;
  /** Stops an embedded server; leaves a server of the user's own alone. */
  stop(): Promise<void>;
}

export async function openDatabase({ home }: { home: string }): Promise<Database> {
  const own = process.env.DATABASE_URL;
  const database = own
    ? { url: own, revive: async () => false, stop: async () => {} }
    : await startEmbeddedPostgres(home);
  try {
    await migrate(database.url);
  } catch (thrown) {
    await database.stop();
    throw thrown;
  }
  return database;
}

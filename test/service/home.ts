/** A service with its real processes on a folder of its own, gone when the test ends. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import type { Annotation } from '../../src/annotations/annotation.ts';
import { type Service, startService } from '../../src/cli/service.ts';
import { openStore, type Store } from '../../src/store/client.ts';
import { startEmbeddedPostgres } from '../../src/store/postgres.ts';
import { reachableFolder } from '../database.ts';

export interface Home {
  home: string;
  service: Service;
  store: Store;
  log: string[];
}

/** Name of the annotation set that is there from the start. */
export const SET = 'shapes';

export async function startHome(t: TestContext, annotations: readonly Annotation[]): Promise<Home> {
  const home = await reachableFolder();
  const log: string[] = [];
  const starting = startService({ home, log: (line) => log.push(line) });
  const made = [home];
  let store: Store | undefined;
  t.after(async () => {
    try {
      await store?.$disconnect();
      await (await starting).stop();
    } finally {
      for (const folder of made) await rm(folder, { recursive: true, force: true });
    }
  });
  const service = await starting;
  // The server runs already: this only tells where.
  const { url, folder } = await startEmbeddedPostgres(home);
  made.push(folder);
  store = openStore(url);
  const answer = await fetch(`${service.url}/v1/annotation-sets/${SET}/annotations`, {
    method: 'POST',
    body: JSON.stringify(annotations),
  });
  assert.equal(((await answer.json()) as { inserted: number }).inserted, annotations.length);
  return { home, service, store, log };
}

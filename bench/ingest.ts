/**
 * Ingest: 50,000 LAION-SG records as NDJSON over HTTP to the API process, in rows a second, beside PostgreSQL's own
 * COPY of the same rows into a table of the same shape, indexes included, in the same database. COPY neither parses
 * nor checks a record, so it is a limit: ratio = ours / COPY, below 1, and higher is better.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import pg from 'pg';
import { migrate } from '../src/store/migrate.ts';
import { startEmbeddedPostgres } from '../src/store/postgres.ts';
import type { BenchResult } from './run.ts';

const [RECORDS, ITEMS, RELATIONS, CHUNK] = [50_000, 6, 4, 500];
const COLUMNS = 'set_id, img_id, body, prompt, content_hash';

export async function run(): Promise<BenchResult> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'diptych-bench-'));
  // PostgreSQL's own user must get in where this runs as root.
  await chmod(home, 0o755);
  const server = await startEmbeddedPostgres(home);
  const client = new pg.Client({ connectionString: server.url });
  let api: ChildProcess | undefined;
  try {
    await migrate(server.url);
    await client.connect();
    api = spawn(
      process.execPath,
      [...process.execArgv, path.join(import.meta.dirname, '../src/api/server.ts')],
      {
        env: { ...process.env, DATABASE_URL: server.url, DIPTYCH_HOME: home, PORT: '0', HOST: '127.0.0.1' },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    );
    const [{ url }] = (await Promise.race([once(api, 'message'), failed(api)])) as [{ url: string }];
    const body = ndjson();
    const ours = await seconds(client, () => ingest(url, body));
    const copied = await seconds(
      client,
      await prepareCopy(client, path.join(server.folder, 'postgres', 'rows')),
    );
    const [value, peerValue] = [RECORDS / ours, RECORDS / copied];
    return { bench: 'ingest', value, unit: 'rows/s', peer: 'COPY', peerValue, ratio: value / peerValue };
  } finally {
    if (api?.exitCode === null) {
      api.kill();
      await once(api, 'exit');
    }
    await client.end();
    await server.stop();
    for (const folder of [home, server.folder]) await rm(folder, { recursive: true, force: true });
  }
}

/** Rejects when the process ends. */
async function failed(api: ChildProcess): Promise<never> {
  await once(api, 'exit');
  throw new Error('the API process ended; what it said is above');
}

/** The body in chunks of some hundred kilobytes, made before the clock runs. */
function ndjson(): Buffer[] {
  const record = (n: number) => ({
    img_id: String(n),
    name: `${n}.jpg`,
    caption_ori: `A photograph that somebody called number ${n}, with several things in it`,
    score: '6.669650077819824',
    url: `https://images.example/${n}.jpg`,
    items: Array.from({ length: ITEMS }, (_, item_id) => ({
      item_id,
      label: ['mountain', 'tree', 'lake', 'boat', 'cloud', 'house'][item_id],
      attributes: ['tall', `shade ${n % 97}`],
      global_item_id: n * ITEMS + item_id,
    })),
    relations: Array.from({ length: RELATIONS }, (_, triple_id) => ({
      triple_id,
      item1: triple_id,
      relation: 'in front of',
      item2: triple_id + 1,
    })),
  });
  return Array.from({ length: RECORDS / CHUNK }, (_, chunk) =>
    Buffer.from(
      Array.from({ length: CHUNK }, (_, i) => `${JSON.stringify(record(chunk * CHUNK + i))}\n`).join(''),
    ),
  );
}

async function ingest(url: string, body: Buffer[]): Promise<void> {
  const response = await fetch(`${url}/v1/annotation-sets/bench/annotations`, {
    method: 'POST',
    body: Readable.toWeb(Readable.from(body)) as ReadableStream,
    duplex: 'half',
  } as RequestInit);
  const answer = (await response.json()) as { inserted: number };
  if (answer.inserted !== RECORDS) throw new Error(`ingest answered ${JSON.stringify(answer).slice(0, 500)}`);
}

/** Puts the rows into a file of the server's and makes an empty table like theirs; the copying is left to do. */
async function prepareCopy(client: pg.Client, file: string): Promise<() => Promise<void>> {
  await client.query(`COPY annotation (${COLUMNS}) TO '${file}'`);
  await client.query('CREATE TABLE copied (LIKE annotation INCLUDING ALL)');
  await client.query('ALTER TABLE copied ADD FOREIGN KEY (set_id) REFERENCES annotation_set (id)');
  return async () => {
    const { rowCount } = await client.query(`COPY copied (${COLUMNS}) FROM '${file}'`);
    if (rowCount !== RECORDS) throw new Error(`COPY took ${rowCount} rows`);
  };
}

/** From a database that has written everything down. */
async function seconds(client: pg.Client, work: () => Promise<void>): Promise<number> {
  await client.query('CHECKPOINT');
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

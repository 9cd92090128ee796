/**
 * Ingest: as many records as LAION-SG has, 540,005, as NDJSON and as gzip over HTTP to the API process, in rows a second,
 * beside PostgreSQL's own COPY of the same rows into a table of the same shape, indexes included, in the same database
 * and between the two. COPY neither parses nor checks a record, so it is a limit: ratio = ours / COPY, higher is better.
 * Then the memory of the API process: the peak of both beside that of the first tenth of the first, and how much it grew
 * over the second half.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type pg from 'pg';
import { memoryOf } from './ingest/memory.ts';
import { ndjson } from './ingest/records.ts';
import type { BenchResult } from './run.ts';
import { countOr } from './service/count.ts';
import { type BenchDatabase, startApi, withDatabase } from './service/database.ts';

const LAION_SG = 540_005;
const COLUMNS = 'set_id, img_id, body, prompt, content_hash';

export async function run(): Promise<BenchResult[]> {
  const records = countOr(LAION_SG);
  return withDatabase(async (database) => {
    const { client, home } = database;
    const [plain, packed] = [path.join(home, 'records.ndjson'), path.join(home, 'records.ndjson.gz')];
    await pipeline(Readable.from(ndjson(records)), createWriteStream(plain));
    await pipeline(createReadStream(plain), createGzip(), createWriteStream(packed));
    const api = await startApi(database);
    const pid = api.process.pid!;
    let [ingested, unpacked] = [0, 0];
    const memory = await memoryOf(pid, async () => {
      ingested = await seconds(client, () => ingest(api.url, plain, records));
    });
    const copied = await seconds(client, await prepareCopy(database, records));
    await client.query('TRUNCATE annotation CASCADE');
    await client.query('UPDATE annotation_set SET count = 0');
    const again = await memoryOf(pid, async () => {
      unpacked = await seconds(client, () => ingest(api.url, packed, records));
    });
    const beside = { unit: 'rows/s', peer: 'COPY', peerValue: records / copied };
    const peak = Math.max(memory.peak, again.peak);
    return [
      { bench: 'ingest', value: records / ingested, ...beside, ratio: copied / ingested },
      { bench: 'ingest-gzip', value: records / unpacked, ...beside, ratio: copied / unpacked },
      {
        ...{ bench: 'ingest-memory', value: peak, unit: 'MB at the peak' },
        ...{ peer: 'the first tenth', peerValue: memory.early, ratio: peak / memory.early },
      },
      {
        ...{ bench: 'ingest-memory-growth', value: memory.growth, unit: 'MB over the second half' },
        ...{ peer: null, peerValue: null, ratio: null },
      },
    ];
  });
}

async function ingest(url: string, file: string, records: number): Promise<void> {
  const response = await fetch(`${url}/v1/annotation-sets/bench/annotations`, {
    method: 'POST',
    body: Readable.toWeb(createReadStream(file, { highWaterMark: 256 * 1024 })) as ReadableStream,
    duplex: 'half',
  } as RequestInit);
  const answer = (await response.json()) as { inserted: number };
  if (answer.inserted !== records) throw new Error(`ingest answered ${JSON.stringify(answer).slice(0, 500)}`);
}

/** Puts the rows into a file of the server's and makes an empty table like theirs; the copying is left to do. */
async function prepareCopy(
  { client, serverFolder }: BenchDatabase,
  records: number,
): Promise<() => Promise<void>> {
  const file = path.join(serverFolder, 'rows');
  await client.query(`COPY annotation (${COLUMNS}) TO '${file}'`);
  await client.query('CREATE TABLE copied (LIKE annotation INCLUDING ALL)');
  await client.query('ALTER TABLE copied ADD FOREIGN KEY (set_id) REFERENCES annotation_set (id)');
  return async () => {
    const { rowCount } = await client.query(`COPY copied (${COLUMNS}) FROM '${file}'`);
    if (rowCount !== records) throw new Error(`COPY took ${rowCount} rows`);
  };
}

/** From a database that has written everything down. */
async function seconds(client: pg.Client, work: () => Promise<void>): Promise<number> {
  await client.query('CHECKPOINT');
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/**
 * Lists of a store with 540,005 annotations and 2.2 million candidates, over HTTP, each at random places: the median and the
 * 99th percentile of every one beside those of a run over 250 annotations in the same store, asked in turn; and the slowest
 * beside its limit. What the filling left to write is written before the first request.
 */
import type pg from 'pg';
import { toCursor } from '../src/api/schemas.ts';
import { createRandom, type Random } from '../src/random.ts';
import { FEW, fillStore } from './list/fill.ts';
import type { BenchResult } from './run.ts';
import { countOr } from './service/count.ts';
import { startApi, withDatabase } from './service/database.ts';

const LAION_SG = 540_005;
/** The first of a new process, which takes ten times as long, is one of them. */
const REQUESTS = 300;
const LIMIT_MS = 50;

/** A run, and what its lists can be continued after. */
interface Place {
  run: string;
  annotations: number;
  failures: { first: number; last: number };
  votes: number;
  candidates: string[];
}

/** Path of a request somewhere in a list. */
const LISTS: Record<string, (place: Place, random: Random) => string> = {
  annotations: ({ annotations }, random) =>
    `/v1/annotation-sets/laion-sg/annotations?${after(imgId(annotations, random))}`,
  candidates: ({ run, annotations }, random) =>
    `/v1/runs/${run}/candidates?${after({ imgId: imgId(annotations, random), slot: random.int(4) })}`,
  'candidates-tuned': ({ run, annotations }, random) =>
    `/v1/runs/${run}/candidates?variant=tuned&${after({ imgId: imgId(annotations, random), slot: 0 })}`,
  items: ({ run, annotations }, random) =>
    `/v1/runs/${run}/items?limit=50&${after(imgId(annotations, random))}`,
  'items-first': ({ run }) => `/v1/runs/${run}/items?limit=200`,
  'items-tuned': ({ run, annotations }, random) =>
    `/v1/runs/${run}/items?limit=50&variant=tuned&${after(imgId(annotations, random))}`,
  failures: ({ run, failures: { first, last } }, random) =>
    `/v1/runs/${run}/failures?${after(String(first + random.int(last - first + 1)))}`,
  votes: ({ run, votes }, random) => `/v1/runs/${run}/votes?${after(random.int(votes))}`,
  'votes-next': ({ run }, random) => `/v1/runs/${run}/votes/next?voter=voter-${random.int(1000)}`,
  candidate: ({ candidates }, random) => `/v1/candidates/${candidates[random.int(candidates.length)]}`,
  run: ({ run }) => `/v1/runs/${run}`,
};

const imgId = (annotations: number, random: Random) => String(1 + random.int(annotations));
const after = (key: unknown) => `cursor=${toCursor(key)}`;

export async function run(): Promise<BenchResult[]> {
  const annotations = countOr(LAION_SG);
  return withDatabase(async (database) => {
    const filled = await fillStore(database.client, annotations);
    const { url } = await startApi(database);
    const all = await placeOf(database.client, filled.all, annotations);
    const few = await placeOf(database.client, filled.few, FEW);
    const results: BenchResult[] = [];
    for (const [name, path] of Object.entries(LISTS)) {
      const random = createRandom(1);
      const times: { all: number[]; few: number[] } = { all: [], few: [] };
      for (let i = 0; i < REQUESTS; i++) {
        times.all.push(await milliseconds(url + path(all, random)));
        times.few.push(await milliseconds(url + path(few, random)));
      }
      for (const share of [0.5, 0.99]) {
        const [value, peerValue] = [percentile(times.all, share), percentile(times.few, share)];
        results.push({
          ...{ bench: `list-${name}`, value, unit: `ms at p${100 * share}` },
          ...{ peer: `a run over ${FEW} annotations`, peerValue, ratio: value / peerValue },
        });
      }
    }
    const slowest = Math.max(...results.map(({ value }) => value));
    return [
      ...results,
      {
        ...{ bench: 'list-slowest', value: slowest, unit: 'ms at p99' },
        ...{ peer: 'limit', peerValue: LIMIT_MS, ratio: slowest / LIMIT_MS },
      },
    ];
  });
}

async function placeOf(client: pg.Client, run: string, annotations: number): Promise<Place> {
  const {
    rows: [failures],
  } = await client.query(
    'SELECT min(id)::int AS first, max(id)::int AS last FROM item_failure WHERE run_id = $1',
    [run],
  );
  const {
    rows: [{ votes }],
  } = await client.query('SELECT vote_revision AS votes FROM run WHERE id = $1', [run]);
  const { rows: candidates } = await client.query(
    `SELECT id FROM candidate WHERE run_id = $1 AND variant = 'curated' LIMIT 1000`,
    [run],
  );
  return { run, annotations, failures, votes, candidates: candidates.map(({ id }) => id) };
}

async function milliseconds(url: string): Promise<number> {
  const start = performance.now();
  const answer = await fetch(url);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${text.slice(0, 500)}`);
  return performance.now() - start;
}

/** The value that so great a share of them does not exceed. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1]!;
}

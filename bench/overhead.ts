/**
 * A curate run of the sample model with its real processes: the share of its wall time, from its being asked for to its end,
 * in which nothing of it was drawn, scored or exported: the queue's polls, claims, commits, events, blobs and requests for
 * rows. Also for each stage alone. ratio = share / limit; below 1 is within it.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Worked } from './overhead/worker.ts';
import type { BenchResult } from './run.ts';
import { countOr } from './service/count.ts';
import { startApi, withDatabase } from './service/database.ts';

const ANNOTATIONS = 64;
const LIMIT = 0.05;
const POLL_MS = 200;
const SAMPLE = path.resolve(import.meta.dirname, '../models/sample/annotations.json');

interface RunAnswer {
  id: string;
  status: string;
  error: string | null;
  createdAt: string;
  finishedAt: string;
  stages: { name: string; startedAt: string; finishedAt: string }[];
}

export async function run(): Promise<BenchResult[]> {
  const annotations = (JSON.parse(await readFile(SAMPLE, 'utf8')) as unknown[]).slice(
    0,
    countOr(ANNOTATIONS),
  );
  return withDatabase(async (database) => {
    const worked: Worked[] = [];
    for (const worker of ['generate', 'score']) {
      const child = database.start('bench/overhead/worker.ts', { arguments: [worker] });
      child.on('message', (message: Worked) => worked.push(message));
    }
    const { url } = await startApi(database);
    await asked(`${url}/v1/annotation-sets/bench/annotations`, annotations);
    const settings = { heldOutFraction: 0 };
    let run = await asked(`${url}/v1/runs`, { kind: 'curate', annotationSet: 'bench', settings });
    while (run.status === 'queued' || run.status === 'running') {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      run = await asked(`${url}/v1/runs/${run.id}`);
    }
    if (run.status !== 'succeeded') throw new Error(`the run ${run.status}: ${run.error}`);
    const stages = run.stages.map(({ name, startedAt, finishedAt }) => {
      const work = worked.filter(({ stage }) => stage === name);
      return result(`overhead-${name}`, startedAt, finishedAt, work);
    });
    return [...stages, result('overhead', run.createdAt, run.finishedAt, worked)];
  });
}

function result(bench: string, from: string, to: string, work: readonly Worked[]): BenchResult {
  const wall = (Date.parse(to) - Date.parse(from)) / 1000;
  const value = 1 - work.reduce((sum, { seconds }) => sum + seconds, 0) / wall;
  return {
    bench,
    value,
    unit: `of ${wall.toFixed(1)} s`,
    peer: 'limit',
    peerValue: LIMIT,
    ratio: value / LIMIT,
  };
}

async function asked(url: string, body?: unknown): Promise<RunAnswer> {
  const answer = await fetch(
    url,
    body === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  );
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as RunAnswer;
}

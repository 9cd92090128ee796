/** Everything that a run leaves and that no clock and no random id may change, and what differs between two of them. */
import { isDeepStrictEqual } from 'node:util';
import { openClient } from '../../clients/typescript/client.ts';
import { sha256Of } from '../../src/store/blobs.ts';
import type { WatchedService } from './service.ts';

/** By what it is: rows in a fixed order. */
export type Outcome = Record<string, readonly unknown[]>;

export async function outcomeOf(service: WatchedService, id: string): Promise<Outcome> {
  const { ask, url } = service;
  const run = `run_id = '${id}'`;
  const artifacts = await openClient(url).artifacts(id);
  const fetched = async (name: string) => {
    const answer = await fetch(`${url}/v1/runs/${id}/artifacts/${name}`);
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
    return Buffer.from(await answer.arrayBuffer());
  };
  const hashed = (names: readonly string[]) =>
    Promise.all(names.map(async (name) => ({ name, sha256: sha256Of(await fetched(name)) })));
  const exported = artifacts.map(({ name }) => name).filter((name) => name.endsWith('.parquet'));
  const telemetry = (await fetched('telemetry.jsonl')).toString().trimEnd().split('\n');
  return {
    candidates: await ask(
      `SELECT a.img_id, c.variant, c.slot, c.seed, c.sha256, c.request_hash
       FROM candidate c JOIN annotation a ON a.id = c.annotation_id WHERE ${run} ORDER BY 1, 2, 3`,
    ),
    scores: await ask(
      `SELECT a.img_id, c.variant, c.slot, s.metric, s.mode, s.version, s.value, s.evidence
       FROM score s JOIN candidate c ON c.id = s.candidate_id JOIN annotation a ON a.id = c.annotation_id
       WHERE ${run} ORDER BY 1, 2, 3, 4, 5, 6`,
    ),
    votes: await ask(
      `SELECT a.img_id, v.voter, v.outcome, v.revision, v.undone,
         (SELECT array_agg(c.slot ORDER BY at) FROM unnest(v.ranking) WITH ORDINALITY r(id, at)
          JOIN candidate c ON c.id = r.id) AS slots
       FROM vote v JOIN annotation a ON a.id = v.annotation_id WHERE ${run} ORDER BY v.revision`,
    ),
    stages: await ask(
      `SELECT name, status, total, done, failed, dropped FROM stage WHERE ${run} ORDER BY ordinal`,
    ),
    steps: telemetry.map((line) => {
      const { at: _, seconds: __, tensors: ___, ...entry } = JSON.parse(line);
      return entry;
    }),
    exports: await hashed(exported),
    weights: await hashed(['model/unet/diffusion_pytorch_model.safetensors']),
  };
}

/** One line for each part that is not the same, with the first rows that differ. */
export function differences(expected: Outcome, got: Outcome): string[] {
  return Object.keys({ ...expected, ...got }).flatMap((part) => {
    const [a, b] = [expected[part] ?? [], got[part] ?? []];
    if (isDeepStrictEqual(a, b)) return [];
    const at = [...a, ...b].findIndex((_, i) => !isDeepStrictEqual(a[i], b[i]));
    const row = (rows: readonly unknown[]) => JSON.stringify(rows[at]) ?? 'nothing';
    return [
      `${part}: ${a.length} rows undisturbed, ${b.length} here; row ${at} is ${row(a)}, here ${row(b)}`,
    ];
  });
}

/** "36 candidates, 400 scores, ..." */
export const counted = (outcome: Outcome): string =>
  Object.entries(outcome)
    .map(([part, rows]) => `${rows.length} ${part}`)
    .join(', ');

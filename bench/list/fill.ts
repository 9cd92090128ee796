/**
 * A store of LAION-SG's size, written by SQL: one set, a run over all of it and a run over its first 250 annotations. Each
 * has four curated candidates for every annotation with three metrics, base and tuned ones for one annotation in ten, a
 * failure for one candidate in a hundred, and a vote for one annotation in a hundred.
 */
import type pg from 'pg';
import { recordLine } from '../ingest/records.ts';

export const FEW = 250;
const BODIES = 1000;

export interface Filled {
  set: string;
  /** Runs over all annotations, and over few of them. */
  all: string;
  few: string;
}

export async function fillStore(client: pg.Client, annotations: number): Promise<Filled> {
  const one = async (sql: string, ...values: unknown[]) =>
    (await client.query(sql, values)).rows[0].id as string;
  // Rows first, then their indexes; the keys between tables hold by how the rows are made.
  await client.query('SET session_replication_role = replica');
  await client.query("ALTER SYSTEM SET max_wal_size = '8GB'");
  await client.query('SELECT pg_reload_conf()');
  await client.query('ALTER TABLE score DROP CONSTRAINT score_pkey');

  const set = 'laion-sg';
  const setId = await one(
    `INSERT INTO annotation_set (name, count) VALUES ($1, $2) RETURNING id`,
    set,
    annotations,
  );
  await client.query(
    'CREATE TEMP TABLE template AS SELECT n, body FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS t(body, n)',
    [`[${Array.from({ length: BODIES }, (_, n) => recordLine(n)).join()}]`],
  );
  await client.query(
    `INSERT INTO annotation (set_id, img_id, body, prompt, content_hash)
     SELECT $1::uuid, i::text, body, left(body::text, 200), encode(sha256(i::text::bytea), 'hex')
     FROM generate_series(1, $2::int) AS i JOIN template ON n = 1 + i % ${BODIES}`,
    [setId, annotations],
  );
  const run = async (limit: number) => {
    const id = await one(
      `INSERT INTO run (kind, status, settings, set_id, finished_at) VALUES ('curate', 'succeeded', '{}', $1, now()) RETURNING id`,
      setId,
    );
    await fillRun(client, id, setId, limit);
    return id;
  };
  const [all, few] = [await run(annotations), await run(FEW)];
  await client.query(
    'ALTER TABLE score ADD CONSTRAINT score_pkey PRIMARY KEY (candidate_id, metric, mode, version)',
  );
  await client.query('SET session_replication_role = origin');
  await client.query('VACUUM ANALYZE');
  // What is left in memory to be written would be written while lists are measured.
  await client.query('CHECKPOINT');
  return { set, all, few };
}

async function fillRun(client: pg.Client, run: string, setId: string, annotations: number): Promise<void> {
  await client.query(
    `INSERT INTO candidate (run_id, annotation_id, variant, slot, seed, request_hash, sha256, width, height, generation)
     SELECT $1::uuid, a.id, variant, slot, slot, hash, hash, 512, 512,
       '{"model": "sd15", "modelHash": "0123456789abcdef", "sampler": "ddim", "steps": 20, "guidance": 3}'
     FROM annotation a, encode(sha256(a.img_id::bytea), 'hex') AS hash,
       LATERAL (SELECT 'curated', generate_series(0, 3) UNION ALL
                SELECT unnest('{base,tuned}'::text[]), 0 WHERE a.img_id::int % 10 = 0) AS v(variant, slot)
     WHERE a.set_id = $2::uuid AND a.img_id::int <= $3::int`,
    [run, setId, annotations],
  );
  await client.query(
    `INSERT INTO score (candidate_id, metric, mode, version, value, evidence)
     SELECT c.id, metric, 'fixed', '1', random(), '{"answers": [{"question": "is there a boat?", "answer": "yes"}]}'
     FROM candidate c, unnest('{clip-score,dpg,pickscore}'::text[]) AS metric WHERE c.run_id = $1::uuid`,
    [run],
  );
  const { rows } = await client.query(
    `INSERT INTO task (run_id, ordinal, seq, worker, kind, payload, units, status)
     VALUES ($1, 0, 0, 'generate', 'generate', '{}', 4, 'succeeded') RETURNING id`,
    [run],
  );
  await client.query(
    `INSERT INTO stage (run_id, ordinal, name, status, total, done, started_at, finished_at, seconds_per_unit)
     SELECT $1::uuid, n - 1, name, 'succeeded', $2::int, $2::int, now(), now(), 1
     FROM unnest('{generate,score}'::text[]) WITH ORDINALITY AS s(name, n)`,
    [run, 4 * annotations],
  );
  await client.query(
    `INSERT INTO item_failure (run_id, task_id, annotation_id, variant, slot, what, reason)
     SELECT $1::uuid, $2::uuid, annotation_id, variant, slot, 'image', 'the server answered 500'
     FROM candidate WHERE run_id = $1::uuid AND variant = 'curated' AND slot = 3 AND left(sha256, 1) < '1'`,
    [run, rows[0].id],
  );
  await client.query(
    `INSERT INTO vote (run_id, annotation_id, voter, mode, candidates, shown, outcome, ranking, seconds, revision)
     SELECT $1::uuid, annotation_id, 'ann', 'pair', ids, ids, 'ranking', ids, 3, row_number() OVER ()
     FROM (SELECT annotation_id, array_agg(id ORDER BY slot) FILTER (WHERE slot < 2) AS ids FROM candidate
           WHERE run_id = $1::uuid AND variant = 'curated' AND right(sha256, 2) < '03' GROUP BY annotation_id) AS asked`,
    [run],
  );
  await client.query(
    'UPDATE run SET vote_revision = (SELECT count(*) FROM vote WHERE run_id = run.id) WHERE id = $1',
    [run],
  );
}

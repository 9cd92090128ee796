/** A store as a long curation leaves it, written straight into the database: what pages must cope with. */
import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { withDefaults } from '../../pipelines/settings.ts';
import { createRandom, type Random } from '../../src/random.ts';
import { ensureSet, upsertAnnotations } from '../../src/store/annotations.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { query, type Store } from '../../src/store/client.ts';
import { telemetryFile } from '../../src/training/telemetry/run-telemetry.ts';
import type { StepTelemetry } from '../../src/training/telemetry/telemetry.ts';
import { timestepBuckets } from '../../src/training/telemetry/timestep-buckets.ts';
import { scene } from '../../test/scenes.ts';

const [PAIRS, TRAIN_STEPS] = [16, 1000];
const [SLOTS, IMAGES, SIDE, BATCH] = [4, 240, 256, 1000];
const METRICS = ['dpg', 't2i-3in1', 'clip-score', 'pickscore', 'sg-iou', 't2i-2d-spatial'];

/** A run with four scored candidates of each annotation; returns its id. */
export async function curatedRun(store: Store, home: string, annotations: number): Promise<string> {
  const { id: setId } = await ensureSet(store, 'many');
  for (let at = 0; at < annotations; at += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, i) => scene(String(at + i).padStart(6, '0'), at + i));
    await upsertAnnotations(store, setId, batch);
  }
  const { id } = await store.run.create({
    data: { kind: 'curate', setId, status: 'succeeded', finishedAt: new Date(), settings: settings() },
  });
  const blobs = folderBlobs(path.join(home, 'blobs'));
  const images = await Promise.all(Array.from({ length: IMAGES }, (_, i) => picture(i).then(blobs.put)));
  await query(
    store,
    `INSERT INTO candidate (run_id, annotation_id, variant, slot, seed, request_hash, sha256, width, height, generation)
     SELECT $1::uuid, a.id, 'curated', slot, slot, a.img_id || slot,
            ($3::text[])[1 + (a.img_id::int * 4 + slot) % $4::int], $5::int, $5::int, '{"model": "sample"}'
     FROM annotation a, generate_series(0, $6::int - 1) AS slot WHERE a.set_id = $2::uuid RETURNING id`,
    ...[id, setId, images, IMAGES, SIDE, SLOTS],
  );
  await query(
    store,
    `INSERT INTO score (candidate_id, metric, mode, version, value, evidence)
     SELECT id, metric, 'fixed', '1', ('x' || substr(md5(id || metric), 1, 8))::bit(32)::bigint / 4294967296.0, '{}'
     FROM candidate, unnest($2::text[]) AS metric WHERE run_id = $1::uuid RETURNING candidate_id`,
    ...[id, METRICS],
  );
  await query(store, 'ANALYZE');
  return id;
}

/** A training with the telemetry of that many steps, as one on 16 pairs writes it; returns its id. */
export async function longTraining(store: Store, home: string, steps: number): Promise<string> {
  const { id: setId } = await ensureSet(store, 'many');
  const { id } = await store.run.create({
    data: { kind: 'train', setId, status: 'succeeded', finishedAt: new Date(), settings: settings() },
  });
  const folder = path.join(home, 'runs', id, 'train');
  await mkdir(folder, { recursive: true });
  const random = createRandom(1);
  for (let at = 0; at < steps; at += BATCH) {
    const lines = Array.from({ length: BATCH }, (_, i) => `${JSON.stringify(stepOf(at + i + 1, random))}\n`);
    await appendFile(telemetryFile(folder), lines.join(''));
  }
  return id;
}

/** Numbers of as many digits as real ones. */
function stepOf(step: number, random: Random): StepTelemetry {
  const about = (mean: number, deviation: number) => mean + deviation * random.normal();
  const rows = () => Float32Array.from({ length: PAIRS }, () => about(0, 1e-3));
  const errors = { winnerError: about(1e-4, 1e-3), loserError: about(3e-4, 1e-3) };
  return {
    ...{ step, at: about(1_700_000_000, 1000), loss: about(0.68, 0.02), accuracy: about(0.6, 0.05) },
    ...{ winnerPolicyError: about(0.02, 1e-3), loserPolicyError: about(0.02, 1e-3), ...errors },
    ...{ gradNorm: about(0.1, 0.01), updateNorm: about(5e-3, 1e-4), margin: about(-1e-4, 1e-5) },
    ...{ policyEvaluations: 32, referenceEvaluations: 32 },
    buckets: timestepBuckets(
      {
        timesteps: Array.from({ length: PAIRS }, () => random.int(TRAIN_STEPS)),
        ...{ inside: rows(), winnerError: rows(), loserError: rows() },
      },
      TRAIN_STEPS,
    ),
    ...{ learningRate: 2.25e-6, seconds: about(0.5, 0.01), tensors: 516 },
  };
}

const settings = () => withDefaults({});

/** As heavy as a drawn image of its size. */
function picture(number: number): Promise<Buffer> {
  const noise = { type: 'gaussian' as const, mean: 40 + (number % 160), sigma: 30 };
  return sharp({ create: { width: SIDE, height: SIDE, channels: 3, noise, background: 'white' } })
    .png()
    .toBuffer();
}

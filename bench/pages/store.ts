/** A store as a long curation leaves it, written straight into the database: what pages must cope with. */
import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { Default } from 'typebox/value';
import { RunSettings } from '../../pipelines/settings.ts';
import { ensureSet, upsertAnnotations } from '../../src/store/annotations.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { query, type Store } from '../../src/store/client.ts';
import { scene } from '../../test/scenes.ts';

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

/** A finished training with telemetry of that many steps; returns its id. */
export async function longTraining(store: Store, home: string, steps: number): Promise<string> {
  const { id: setId } = await ensureSet(store, 'many');
  const { id } = await store.run.create({
    data: { kind: 'train', setId, status: 'succeeded', finishedAt: new Date(), settings: settings() },
  });
  const folder = path.join(home, 'runs', id, 'train');
  await mkdir(folder, { recursive: true });
  for (let at = 0; at < steps; at += 10_000) {
    const lines = Array.from({ length: Math.min(10_000, steps - at) }, (_, i) => {
      const step = at + i + 1;
      const [wave, loss] = [Math.sin(step / 300), 0.69 + 0.01 * Math.sin(step / 7)];
      return `${JSON.stringify({
        ...{ step, at: step, loss, accuracy: 0.6 + 0.1 * wave, gradNorm: 20 + wave, margin: -1e-4 * wave },
        ...{ winnerError: 1e-3 * wave, loserError: 2e-3 * wave, seconds: 0.5, tensors: 900 },
      })}\n`;
    });
    await appendFile(path.join(folder, 'telemetry.jsonl'), lines.join(''));
  }
  return id;
}

const settings = () => Default(RunSettings, {}) as object;

/** As heavy as a drawn image of its size. */
function picture(number: number): Promise<Buffer> {
  const noise = { type: 'gaussian' as const, mean: 40 + (number % 160), sigma: 30 };
  return sharp({ create: { width: SIDE, height: SIDE, channels: 3, noise, background: 'white' } })
    .png()
    .toBuffer();
}

/** A finished run with four candidates of each annotation, and base and tuned ones, all with pictures, for voters. */
import { withDefaults } from '../../pipelines/settings.ts';
import { encodePng } from '../../src/engine/png.ts';
import { hashSeed } from '../../src/random.ts';
import { ensureSet, listAnnotations, upsertAnnotations } from '../../src/store/annotations.ts';
import type { BlobStore } from '../../src/store/blobs.ts';
import { insertCandidates, insertScores, type Variant } from '../../src/store/candidates.ts';
import type { Store } from '../../src/store/client.ts';
import { scenes } from '../scenes.ts';

const SETTINGS = withDefaults({ reward: { weights: { dpg: 1 } }, pairs: { margin: 0 } });
const PLACES: readonly (readonly [Variant, number])[] = [
  ...[0, 1, 2, 3].map((slot) => ['curated', slot] as const),
  ['base', 0],
  ['tuned', 0],
];
const SIDE = 64;

/** The machine prefers later slots. */
export const rewardOf = (slot: number) => slot / 4;

/** The run's id. */
export async function runToJudge(store: Store, blobs: BlobStore, annotations: number): Promise<string> {
  const { id: setId } = await ensureSet(store, 'judged');
  await upsertAnnotations(store, setId, scenes(annotations));
  const stage = { status: 'succeeded' as const, total: annotations, done: annotations, secondsPerUnit: 1 };
  const { id: runId } = await store.run.create({
    data: {
      ...{
        kind: 'curate-then-train',
        setId,
        status: 'succeeded',
        finishedAt: new Date(),
        settings: SETTINGS,
      },
      stages: {
        create: [
          { ...stage, ordinal: 0, name: 'score' },
          { ...stage, ordinal: 1, name: 'evaluate: score' },
        ],
      },
    },
  });
  const stored = await listAnnotations(store, setId, '', annotations);
  const rows = await Promise.all(
    stored.flatMap(({ id, imgId }) =>
      PLACES.map(async ([variant, slot]) => ({
        ...{ runId, annotationId: id, variant, slot, seed: slot, requestHash: `${imgId}/${variant}/${slot}` },
        ...{ sha256: await blobs.put(await picture(imgId, variant, slot)), width: SIDE, height: SIDE },
        generation: { model: 'sample', modelHash: 'h', sampler: 'ddim', steps: 20, guidance: 3 },
      })),
    ),
  );
  await store.$transaction((tx) => insertCandidates(tx, rows));
  const candidates = await store.candidate.findMany({ where: { runId } });
  const scores = candidates.map(({ id, slot }) => ({
    ...{ candidateId: id, metric: 'dpg', mode: 'fixed', version: '1', value: rewardOf(slot), evidence: {} },
  }));
  await store.$transaction((tx) => insertScores(tx, scores));
  return runId;
}

/** A disc of a colour and place that no other picture has. */
function picture(imgId: string, variant: string, slot: number): Promise<Buffer> {
  const bits = hashSeed(imgId, variant, slot);
  const [x, y] = [16 + (bits & 31), 16 + ((bits >> 5) & 31)];
  const colour = [(bits >> 10) & 255, (bits >> 16) & 255, (bits >> 22) & 255];
  const data = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => {
    const at = Math.floor(i / 3);
    const inside = Math.hypot((at % SIDE) - x, Math.floor(at / SIDE) - y) < 14;
    return inside ? colour[i % 3]! : 235;
  });
  return encodePng({ width: SIDE, height: SIDE, data });
}

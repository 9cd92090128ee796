/** A curated run's candidates and scores, put into the store as they are: something to make pairs of. */
import { withDefaults } from '../../pipelines/settings.ts';
import { encodePng } from '../../src/engine/png.ts';
import { ensureSet, listAnnotations, upsertAnnotations } from '../../src/store/annotations.ts';
import type { BlobStore } from '../../src/store/blobs.ts';
import { insertCandidates, insertScores } from '../../src/store/candidates.ts';
import type { Store } from '../../src/store/client.ts';
import { scenes } from '../scenes.ts';

/** Of three annotations' three candidates; of one, two are equally good. Slot 0 is the best everywhere. */
const SCORES = [
  [0.9, 0.5, 0.1],
  [0.9, 0.5, 0.5],
  [0.8, 0.4, 0.2],
];

export interface CuratedRun {
  sourceRun: string;
  /** "WINNER > LOSER" of every pair that is no tie, by hash. */
  expected: string[];
}

/** Of the annotation set "shapes". */
export async function curatedRun(store: Store, blobs: BlobStore): Promise<CuratedRun> {
  const { id: setId } = await ensureSet(store, 'shapes');
  await upsertAnnotations(store, setId, scenes(SCORES.length));
  const settings = withDefaults({});
  const run = await store.run.create({ data: { kind: 'curate', settings, setId, status: 'succeeded' } });
  const expected: string[] = [];
  for (const [i, annotation] of (await listAnnotations(store, setId, '', SCORES.length)).entries()) {
    const rows = await Promise.all(
      SCORES[i]!.map(async (_, slot) => {
        const data = new Uint8Array(3 * 8 * 8).fill(10 * i + slot);
        const sha256 = await blobs.put(await encodePng({ width: 8, height: 8, data }));
        return {
          ...{ runId: run.id, annotationId: annotation.id, variant: 'curated' as const, slot, seed: slot },
          ...{ requestHash: `${i}/${slot}`, sha256, width: 8, height: 8 },
          generation: { model: 'any', modelHash: 'h', sampler: 'ddim', steps: 1, guidance: 1 },
        };
      }),
    );
    await store.$transaction((tx) => insertCandidates(tx, rows));
    for (const [winner, loser] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const) {
      if (SCORES[i]![winner] !== SCORES[i]![loser])
        expected.push(`${rows[winner]!.sha256} > ${rows[loser]!.sha256}`);
    }
  }
  const stored = await store.candidate.findMany({
    where: { runId: run.id },
    include: { annotation: true },
  });
  const scores = stored.map(({ id, slot, annotation: { imgId } }) => ({
    ...{ candidateId: id, metric: 'dpg', mode: 'fixed', version: '1', evidence: {} },
    value: SCORES[Number(imgId.slice(1))]![slot]!,
  }));
  await store.$transaction((tx) => insertScores(tx, scores));
  return { sourceRun: run.id, expected };
}

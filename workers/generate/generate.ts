/** Makes the images of some annotations; what was made before is taken from there. */
import { createHash } from 'node:crypto';
import PQueue from 'p-queue';
import type { RunSettings } from '../../pipelines/settings.ts';
import type { GeneratePayload } from '../../pipelines/stages.ts';
import { decodeImage, encodePng } from '../../src/engine/png.ts';
import type { TaskHandler } from '../../src/jobs/worker.ts';
import { hashSeed } from '../../src/random.ts';
import { getAnnotations } from '../../src/store/annotations.ts';
import {
  findGenerated,
  insertCandidates,
  type NewCandidate,
  rememberGenerated,
} from '../../src/store/candidates.ts';
import type { Tools } from '../process.ts';
import { type ImageFailure, refuseTotalFailure, storeImageFailures } from './failures.ts';
import { openSource } from './source.ts';

/** Encoding and writing of images beside each other. */
const CONCURRENT_WRITES = 4;

export function generateTask({ store, blobs, numeric }: Tools): TaskHandler {
  const writes = new PQueue({ concurrency: CONCURRENT_WRITES });
  return async ({ task, signal, progress }) => {
    const { variant, annotationIds, samples } = task.payload as GeneratePayload;
    const run = await store.run.findUniqueOrThrow({ where: { id: task.runId } });
    const settings = run.settings as unknown as RunSettings;
    const source = await openSource({ store, numeric }, settings, variant, task.runId);

    const annotations = await getAnnotations(store, annotationIds);
    const wanted = annotations.flatMap(({ id, imgId, prompt }) =>
      Array.from({ length: samples }, (_, slot) => {
        // The same seeds under both models of an evaluation, and other ones than in curation.
        const purpose = variant === 'curated' ? 'curate' : 'evaluate';
        const seed = hashSeed(purpose, settings.seed, imgId, slot);
        const request = JSON.stringify(source.request(prompt, seed));
        const requestHash = createHash('sha256').update(request).digest('hex');
        return { annotationId: id, prompt, slot, seed, requestHash };
      }),
    );
    const known = await findGenerated(
      store,
      wanted.map(({ requestHash }) => requestHash),
    );
    const missing = wanted.filter(({ requestHash }) => !known.has(requestHash));
    const failures: ImageFailure[] = [];
    if (missing.length > 0) {
      const requests = missing.map(({ prompt, seed }) => ({ prompt, seed }));
      const items = await source.generator.generate(requests, { onProgress: progress, signal });
      await writes.addAll(
        items.map((item, i) => async () => {
          const { annotationId, slot, requestHash } = missing[i]!;
          if ('failed' in item) failures.push({ annotationId, slot, reason: item.failed });
          else known.set(requestHash, await blobs.put(await encodePng(item.image)));
        }),
      );
    }
    refuseTotalFailure(failures, wanted.length);
    const made = wanted.filter(({ requestHash }) => known.has(requestHash));
    const size = await sizeOf(known.get(made[0]!.requestHash)!);
    const rows = made.map(
      ({ annotationId, slot, seed, requestHash }): NewCandidate => ({
        runId: task.runId,
        annotationId,
        variant,
        slot,
        seed,
        requestHash,
        sha256: known.get(requestHash)!,
        ...size,
        generation: source.generation,
      }),
    );
    return async (tx) => {
      await rememberGenerated(
        tx,
        rows.map(({ requestHash, sha256 }) => ({ requestHash, sha256 })),
      );
      await insertCandidates(tx, rows);
      await storeImageFailures(tx, failures);
    };
  };

  async function sizeOf(sha256: string): Promise<{ width: number; height: number }> {
    const { width, height } = await decodeImage(await blobs.get(sha256));
    return { width, height };
  }
}

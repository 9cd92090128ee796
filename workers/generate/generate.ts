/** Makes the images of some annotations; what was made before is taken from there. */
import { createHash } from 'node:crypto';
import PQueue from 'p-queue';
import type { RunSettings } from '../../pipelines/settings.ts';
import type { GeneratePayload } from '../../pipelines/stages.ts';
import type { RgbImage } from '../../src/engine/image.ts';
import { decodeImage, encodePng } from '../../src/engine/png.ts';
import { type ItemFailure, recordFailures } from '../../src/jobs/failures.ts';
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
import { openSource } from './source.ts';

/** Encoding and writing of images beside each other. */
const CONCURRENT_WRITES = 4;

export function generateTask(tools: Tools): TaskHandler {
  const { store, blobs } = tools;
  const writes = new PQueue({ concurrency: CONCURRENT_WRITES });
  return async ({ task, signal, progress }) => {
    const { variant, annotationIds, samples } = task.payload as GeneratePayload;
    const run = await store.run.findUniqueOrThrow({ where: { id: task.runId } });
    const settings = run.settings as unknown as RunSettings;
    const annotations = await getAnnotations(store, annotationIds);
    const source = await openSource(tools, settings, variant, task.runId, annotations);
    const wanted = annotations.flatMap(({ id, imgId, ...annotation }) =>
      Array.from({ length: samples }, (_, slot) => {
        // The same seeds under both models of an evaluation, and other ones than in curation.
        const purpose = variant === 'curated' ? 'curate' : 'evaluate';
        const seed = hashSeed(purpose, settings.seed, imgId, slot);
        const prompt = source.promptOf(annotation);
        const request = JSON.stringify(source.request(prompt, seed, imgId));
        const requestHash = createHash('sha256').update(request).digest('hex');
        const { text, triples } = prompt;
        return { annotationId: id, scene: imgId, prompt: text, triples, slot, seed, requestHash };
      }),
    );
    const known = await findGenerated(
      store,
      wanted.map(({ requestHash }) => requestHash),
    );
    const missing = wanted.filter(({ requestHash }) => !known.has(requestHash));
    const failures: ItemFailure[] = [];
    // Alone where a request costs money: what arrived is kept even if this process ends before the others are there.
    const alone = missing.map((one) => [one]);
    const calls = source.batches && missing.length > 0 ? [missing] : alone;
    const shares = calls.map(() => 0);
    await Promise.all(
      calls.map(async (call, n) => {
        const items = await source.generator.generate(call, {
          signal,
          onProgress(share) {
            shares[n] = share;
            progress(shares.reduce((sum, x) => sum + x) / calls.length);
          },
        });
        const images = await writes.addAll(
          items.flatMap((item, i) => {
            if ('image' in item) return [async () => kept(call[i]!.requestHash, item.image)];
            const { annotationId, slot } = call[i]!;
            failures.push({ annotationId, variant, slot, what: 'image', reason: item.failed });
            return [];
          }),
        );
        await rememberGenerated(store, images);
        for (const { requestHash, sha256 } of images) known.set(requestHash, sha256);
      }),
    );
    const made = wanted.filter(({ requestHash }) => known.has(requestHash));
    const size = made[0] && (await sizeOf(known.get(made[0].requestHash)!));
    const rows = made.map(
      ({ annotationId, slot, seed, requestHash }): NewCandidate => ({
        runId: task.runId,
        annotationId,
        variant,
        slot,
        seed,
        requestHash,
        sha256: known.get(requestHash)!,
        ...size!,
        generation: source.generation,
      }),
    );
    return async (tx) => {
      await insertCandidates(tx, rows);
      await recordFailures(tx, task, failures);
    };
  };

  async function kept(requestHash: string, image: RgbImage) {
    return { requestHash, sha256: await blobs.put(await encodePng(image)) };
  }

  async function sizeOf(sha256: string): Promise<{ width: number; height: number }> {
    const { width, height } = await decodeImage(await blobs.get(sha256));
    return { width, height };
  }
}

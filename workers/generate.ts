/** The generate worker: prompts to images, four an annotation. */
import { createHash } from 'node:crypto';
import PQueue from 'p-queue';
import type { RunSettings } from '../pipelines/settings.ts';
import type { GeneratePayload } from '../pipelines/stages.ts';
import { decodeImage, encodePng } from '../src/engine/png.ts';
import { DiptychError } from '../src/errors.ts';
import type { TaskHandler } from '../src/jobs/worker.ts';
import { hashSeed } from '../src/random.ts';
import { getAnnotations } from '../src/store/annotations.ts';
import {
  findGenerated,
  type Generation,
  insertCandidates,
  type NewCandidate,
  rememberGenerated,
} from '../src/store/candidates.ts';
import { modelFolder } from './model-folders.ts';
import { startWorkerProcess, type Tools } from './process.ts';

/** Encoding and writing of images beside each other. */
const CONCURRENT_WRITES = 4;

await startWorkerProcess('generate', (tools) => ({ generate: generateTask(tools) }));

function generateTask({ store, blobs, numeric }: Tools): TaskHandler {
  const writes = new PQueue({ concurrency: CONCURRENT_WRITES });
  return async ({ task, signal, progress }) => {
    const { variant, annotationIds, samples } = task.payload as GeneratePayload;
    const run = await store.run.findUniqueOrThrow({ where: { id: task.runId } });
    const settings = run.settings as unknown as RunSettings;
    const { steps, guidance } = settings.sampling;
    const folder = variant === 'tuned' ? await tunedModel() : modelFolder(settings.model, 'diffusion');
    const modelHash = await numeric.call('modelHash', folder);
    const model = variant === 'tuned' ? `${settings.model}+${tunedRun()}` : settings.model;
    const generation: Generation = { model, modelHash, sampler: 'ddim', steps, guidance };

    const annotations = await getAnnotations(store, annotationIds);
    const wanted = annotations.flatMap(({ id, imgId, prompt }) =>
      Array.from({ length: samples }, (_, slot) => {
        // The same seeds under both models of an evaluation, and other ones than in curation.
        const purpose = variant === 'curated' ? 'curate' : 'evaluate';
        const seed = hashSeed(purpose, settings.seed, imgId, slot);
        const request = JSON.stringify(['txt2img', modelHash, prompt, seed, 'ddim', steps, guidance]);
        const requestHash = createHash('sha256').update(request).digest('hex');
        return { annotationId: id, prompt, slot, seed, requestHash };
      }),
    );
    const known = await findGenerated(
      store,
      wanted.map(({ requestHash }) => requestHash),
    );
    const missing = wanted.filter(({ requestHash }) => !known.has(requestHash));
    if (missing.length > 0) {
      const requests = missing.map(({ prompt, seed }) => ({ prompt, seed }));
      const images = await numeric.call(
        'generate',
        { model: folder, requests, steps, guidance },
        { onProgress: progress, signal },
      );
      const hashes = await writes.addAll(
        images.map((image) => async () => blobs.put(await encodePng(image))),
      );
      for (const [i, { requestHash }] of missing.entries()) known.set(requestHash, hashes[i]!);
    }
    const size = await sizeOf(known.get(wanted[0]!.requestHash)!);
    const rows = wanted.map(
      ({ annotationId, slot, seed, requestHash }): NewCandidate => ({
        runId: task.runId,
        annotationId,
        variant,
        slot,
        seed,
        requestHash,
        sha256: known.get(requestHash)!,
        ...size,
        generation,
      }),
    );
    return async (tx) => {
      await rememberGenerated(
        tx,
        missing.map(({ requestHash }) => ({ requestHash, sha256: known.get(requestHash)! })),
      );
      await insertCandidates(tx, rows);
    };

    function tunedRun(): string {
      return settings.sourceRun ?? task.runId;
    }

    async function tunedModel(): Promise<string> {
      const artifact = await store.artifact.findUnique({
        where: { runId_name: { runId: tunedRun(), name: 'model' } },
      });
      if (artifact) return artifact.path;
      throw new DiptychError('DIPTYCH_NOT_FOUND', `run ${tunedRun()} has no tuned model; it did not train`);
    }

    async function sizeOf(sha256: string): Promise<{ width: number; height: number }> {
      const { width, height } = await decodeImage(await blobs.get(sha256));
      return { width, height };
    }
  };
}

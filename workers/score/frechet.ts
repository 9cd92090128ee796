/** Frechet distances between the images of an evaluation, those of curation and photographs. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunSettings } from '../../pipelines/settings.ts';
import { jackknifeInterval } from '../../src/evaluation/jackknife.ts';
import { type FrechetResult, REAL } from '../../src/evaluation/paper-tables.ts';
import { allScored, type ScoredCandidate, type Variant } from '../../src/store/candidates.ts';
import type { Store } from '../../src/store/client.ts';
import { givenPath, modelFolder } from '../model-folders.ts';
import type { FeaturesArgument } from '../numeric/methods.ts';
import type { Tools } from '../process.ts';

/** Images at once, so that a cancelled task ends soon. */
const TOGETHER = 32;
/** As many as the FID's authors want at least; more of a set add time and little else. */
const MOST_IMAGES = 10_000;
const READABLE = /\.(png|jpe?g|webp)$/i;

type ImageSet = {
  /** Of a photograph its name. */
  annotation: string;
  /** The encoded image. */
  load(): Promise<Buffer>;
}[];

interface Feature {
  annotation: string;
  vector: Float32Array;
}

type Sides = Record<'base' | 'tuned', Feature[]>;

/**
 * Tuned against base, and both against the images of the run `curated`, which was trained on, and the photographs of
 * `evaluation.realImages`; over CLIP's features, and Inception's where its weights are named. Sets of fewer than two
 * images have no covariance and are left out.
 */
export async function frechetResults(
  { store, blobs, numeric }: Pick<Tools, 'store' | 'blobs' | 'numeric'>,
  settings: RunSettings,
  runId: string,
  curated: string,
  { signal, progress }: { signal: AbortSignal; progress(share: number): void },
): Promise<FrechetResult[]> {
  const { inception, realImages } = settings.evaluation;
  const drawn = async (run: string, variant: Variant): Promise<ImageSet> =>
    (await firstCandidates(store, run, variant)).map(({ annotationId, sha256 }) => ({
      annotation: annotationId,
      load: () => blobs.get(sha256),
    }));
  const sets: Record<string, ImageSet> = {
    base: await drawn(runId, 'base'),
    tuned: await drawn(runId, 'tuned'),
    curated: await drawn(curated, 'curated'),
    [REAL]:
      realImages === undefined
        ? []
        : await photographs(givenPath('folder', realImages, 'the absolute path of one that holds images')),
  };
  const networks: [FrechetResult['features'], FeaturesArgument['network']][] = [
    ['clip', { clip: modelFolder(settings.clip, 'clip') }],
  ];
  if (inception !== undefined) {
    networks.push([
      'inception',
      {
        inception: givenPath('file', inception, "the absolute path of pytorch-fid's weights as safetensors"),
      },
    ]);
  }

  const all = networks.length * Object.values(sets).reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  async function featuresOf(network: FeaturesArgument['network'], set: ImageSet): Promise<Feature[]> {
    const found: Feature[] = [];
    for (let i = 0; i < set.length; i += TOGETHER) {
      const batch = set.slice(i, i + TOGETHER);
      const images = await Promise.all(batch.map(({ load }) => load()));
      const vectors = await numeric.call('features', { network, images }, { signal });
      found.push(...batch.map(({ annotation }, k) => ({ annotation, vector: vectors[k]! })));
      done += images.length;
      progress(done / all);
    }
    return found;
  }
  const distanceOf = (of: readonly Feature[], against: readonly Feature[]): Promise<number> =>
    numeric.call(
      'frechet',
      { of: of.map(({ vector }) => vector), against: against.map(({ vector }) => vector) },
      { signal },
    );

  const results: FrechetResult[] = [];
  for (const [features, network] of networks) {
    const found: Record<string, Feature[]> = {};
    for (const [name, set] of Object.entries(sets)) found[name] = await featuresOf(network, set);
    const measured = async (
      of: string,
      against: string,
      intervalOf: (distance: number) => Promise<FrechetResult['interval95']> = async () => null,
    ) => {
      const counts: FrechetResult['counts'] = [found[of]!.length, found[against]!.length];
      if (Math.min(...counts) < 2) return null;
      const distance = await distanceOf(found[of]!, found[against]!);
      const interval95 = await intervalOf(distance);
      results.push({ features, of, against, distance, counts, interval95 });
      return distance;
    };
    await measured('tuned', 'base');
    for (const other of ['curated', REAL]) {
      const base = await measured('base', other);
      if (base === null) continue;
      await measured('tuned', other, (tuned) =>
        differenceInterval(found as Sides, tuned - base, (side) => distanceOf(side, found[other]!)),
      );
    }
  }
  return results;
}

/** Of the tuned distance less the base's, over the annotations that both sides have. */
function differenceInterval(
  { base, tuned }: Sides,
  difference: number,
  distanceOf: (side: Feature[]) => Promise<number>,
): Promise<FrechetResult['interval95']> {
  const ofBase = new Set(base.map(({ annotation }) => annotation));
  const both = tuned.map(({ annotation }) => annotation).filter((annotation) => ofBase.has(annotation));
  return jackknifeInterval(both, difference, async (kept) => {
    const rest = (side: Feature[]) => distanceOf(side.filter(({ annotation }) => kept(annotation)));
    return (await rest(tuned)) - (await rest(base));
  });
}

async function firstCandidates(store: Store, runId: string, variant: Variant): Promise<ScoredCandidate[]> {
  const candidates: ScoredCandidate[] = [];
  for await (const candidate of allScored(store, runId, variant)) {
    candidates.push(candidate);
    if (candidates.length === MOST_IMAGES) break;
  }
  return candidates;
}

async function photographs(folder: string): Promise<ImageSet> {
  const names = (await readdir(folder)).filter((name) => READABLE.test(name)).sort();
  return names
    .slice(0, MOST_IMAGES)
    .map((name) => ({ annotation: name, load: () => readFile(path.join(folder, name)) }));
}

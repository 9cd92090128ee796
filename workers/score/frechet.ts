/** Frechet distances between the images of an evaluation, those of curation and photographs. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunSettings } from '../../pipelines/settings.ts';
import { type FrechetResult, REAL } from '../../src/evaluation/paper-tables.ts';
import { allScored, type Variant } from '../../src/store/candidates.ts';
import type { Store } from '../../src/store/client.ts';
import { givenPath, modelFolder } from '../model-folders.ts';
import type { FeaturesArgument } from '../numeric/methods.ts';
import type { Tools } from '../process.ts';

/** Images at once, so that a cancelled task ends soon. */
const TOGETHER = 32;
/** As many as the FID's authors want at least; more of a set add time and little else. */
const MOST_IMAGES = 10_000;
const READABLE = /\.(png|jpe?g|webp)$/i;

/** Loads the encoded images of a set, one by one. */
type ImageSet = (() => Promise<Buffer>)[];

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
    (await hashesOf(store, run, variant)).map((sha256) => () => blobs.get(sha256));
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
  async function vectorsOf(network: FeaturesArgument['network'], set: ImageSet): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    for (let i = 0; i < set.length; i += TOGETHER) {
      const images = await Promise.all(set.slice(i, i + TOGETHER).map((load) => load()));
      vectors.push(...(await numeric.call('features', { network, images }, { signal })));
      done += images.length;
      progress(done / all);
    }
    return vectors;
  }

  const results: FrechetResult[] = [];
  for (const [features, network] of networks) {
    const vectors: Record<string, Float32Array[]> = {};
    for (const [name, set] of Object.entries(sets)) vectors[name] = await vectorsOf(network, set);
    for (const [of, against] of [
      ['tuned', 'base'],
      ...['curated', REAL].flatMap((other) => [
        ['base', other],
        ['tuned', other],
      ]),
    ] as [string, string][]) {
      const pair = { of: vectors[of]!, against: vectors[against]! };
      if (pair.of.length < 2 || pair.against.length < 2) continue;
      const distance = await numeric.call('frechet', pair, { signal });
      results.push({ features, of, against, distance, counts: [pair.of.length, pair.against.length] });
    }
  }
  return results;
}

async function hashesOf(store: Store, runId: string, variant: Variant): Promise<string[]> {
  const hashes: string[] = [];
  for await (const { sha256 } of allScored(store, runId, variant)) {
    hashes.push(sha256);
    if (hashes.length === MOST_IMAGES) break;
  }
  return hashes;
}

async function photographs(folder: string): Promise<ImageSet> {
  const names = (await readdir(folder)).filter((name) => READABLE.test(name)).sort();
  return names.slice(0, MOST_IMAGES).map((name) => () => readFile(path.join(folder, name)));
}

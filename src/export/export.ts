/**
 * Writes annotations with their candidates in one or more layouts, each to a folder of its name, with `inputs.jsonl`
 * and `manifest.json` beside them, and `dropped.jsonl` where there are filters. One pass; memory holds one annotation and one row group per file. The files are
 * made in a folder of the call's own, which takes the place of the last export when all of them are whole.
 */
import { access, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DiptychError } from '../errors.ts';
import { datasetCard } from './dataset-card.ts';
import { type DatasetPolicy, VOTES_POLICY, versionOf } from './dataset-version.ts';
import { openDropped } from './dropped.ts';
import { type ExportedFile, readOnce } from './layout.ts';
import { LAYOUTS, type LayoutName } from './layouts/index.ts';
import { comparisonsOf, pairsIn } from './pairs.ts';
import type { ParquetWriterName } from './parquet-writers.ts';
import { type ExportAnnotation, splitKey, splitOf } from './rows.ts';
import { fileSink, writeWhole } from './sink.ts';
import { makeWorkFolder } from './work-folder.ts';

export interface ExportOptions {
  annotations: AsyncIterable<ExportAnnotation>;
  /** Reads an encoded image. */
  load(sha256: string): Promise<Uint8Array>;
  policy: DatasetPolicy;
  /** What the annotations must turn out to be. */
  version: string;
  layouts: readonly LayoutName[];
  writer: ParquetWriterName;
  /** Folder to make or replace. */
  folder: string;
  /** The run whose candidates they are, and the revision of its votes. */
  run: string;
  votes: number;
  /** For the dataset cards. */
  facts: Record<string, string>;
  /** Makes a layout of this version again. */
  command(layout: LayoutName): string;
  onAnnotation(done: number): void | Promise<void>;
}

export interface ExportResult {
  /** Every file, the manifest last. */
  files: ExportedFile[];
  candidates: number;
  pairs: number;
}

export const MANIFEST = 'manifest.json';
export const INPUTS = 'inputs.jsonl';

/** Throws DIPTYCH_CONFLICT, with nothing left behind, when the annotations are of another version. */
export async function writeExport(options: ExportOptions): Promise<ExportResult> {
  const work = await makeWorkFolder(options.folder);
  try {
    const result = await writeFiles(options, work);
    // A stale call, whose folder is gone, ends here and not after it removed what took its place.
    await access(work);
    await rm(options.folder, { recursive: true, force: true });
    await rename(work, options.folder);
    return result;
  } catch (thrown) {
    await rm(work, { recursive: true, force: true });
    throw thrown;
  }
}

async function writeFiles(options: ExportOptions, folder: string): Promise<ExportResult> {
  const { annotations, load, policy, version, layouts, writer, facts } = options;
  const metrics = Object.keys(policy.scores).sort();
  const { policy: rewardPolicy, weights } = policy.reward;
  const context = { version, metrics, margin: policy.pairs.margin, writer };
  const reward = JSON.stringify({ policy: rewardPolicy, weights });
  const writers = [];
  for (const name of layouts) {
    const target = path.join(folder, name);
    await mkdir(target);
    writers.push({ name, target, writer: await LAYOUTS[name].open(target, { ...context, reward }) });
  }
  const inputs = fileSink(path.join(folder, INPUTS));
  const versioned = versionOf(policy);
  const dropped = policy.filters && openDropped(folder, policy.filters);
  inputs.write(Buffer.from(versioned.header));

  let [done, candidates, pairCount, unequalSizes] = [0, 0, 0, 0];
  for await (const annotation of annotations) {
    inputs.write(Buffer.from(versioned.add(annotation)));
    const image = readOnce(load);
    const kept = dropped ? await dropped.filter(annotation, image) : annotation;
    const comparisons = comparisonsOf(kept, policy.pairs, rewardPolicy === 'dominance');
    const pairs = pairsIn(comparisons);
    dropped?.addUnpaired(annotation.imgId, comparisons);
    const entry = { annotation: kept, split: splitOf(splitKey(annotation)), pairs, comparisons, image };
    for (const layout of writers) await layout.writer.write(entry);
    candidates += kept.candidates.length;
    pairCount += pairs.length;
    unequalSizes += comparisons.filter(({ leftOut }) => leftOut === 'size').length;
    await options.onAnnotation(++done);
  }
  const { version: found, ...parts } = versioned.end();
  if (found !== version) {
    throw new DiptychError(
      'DIPTYCH_CONFLICT',
      `annotations, scores or votes changed on the way: they are version ${found} now, asked for was ${version}; ask for the export again`,
    );
  }

  const files: ExportedFile[] = [{ name: INPUTS, ...inputs.close() }];
  const left = dropped?.close();
  if (left) files.push(left.file);
  const cardFacts = {
    ...facts,
    'dataset version': version,
    ...(unequalSizes > 0 ? { 'pairs left out': `${unequalSizes}, of images of different sizes` } : {}),
    ...(left ? { filters: JSON.stringify(policy.filters), 'left out': leftOutText(left.counts) } : {}),
  };
  for (const { name, target, writer: layout } of writers) {
    const { files: written, rows } = await layout.close();
    files.push(...written.map((file) => ({ ...file, name: `${name}/${file.name}` })));
    const command = options.command(name);
    const card = datasetCard({ layout: LAYOUTS[name], metrics, rows, facts: cardFacts, command });
    files.push({ name: `${name}/README.md`, ...writeWhole(path.join(target, 'README.md'), card) });
  }
  const manifest = {
    version,
    ...parts,
    pairs: pairCount,
    pairsLeftOut: unequalSizes,
    ...(left ? { dropped: left.counts } : {}),
    policy: { ...policy, votes: VOTES_POLICY },
    source: { run: options.run, votes: options.votes, facts },
    commands: Object.fromEntries(layouts.map((name) => [name, options.command(name)])),
    files,
  };
  const written = writeWhole(path.join(folder, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`);
  return { files: [...files, { name: MANIFEST, ...written }], candidates, pairs: pairCount };
}

const leftOutText = (counts: Record<string, number>) =>
  Object.entries(counts)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ') || 'nothing';

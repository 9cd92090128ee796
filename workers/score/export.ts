/** Writes exports: the files of a run's last curation stage, and a layout that was asked for by itself. */
import path from 'node:path';
import { chosenScores, type ExportSettings, exportCommand } from '../../pipelines/exports.ts';
import type { ImportSettings } from '../../pipelines/imports.ts';
import type { RunSettings } from '../../pipelines/settings.ts';
import { type DatasetPolicy, readVersion } from '../../src/export/dataset-version.ts';
import { writeExport } from '../../src/export/export.ts';
import { removeEarlier, removeForgotten } from '../../src/export/export-folders.ts';
import type { LayoutName } from '../../src/export/layouts/index.ts';
import { PARQUET_WRITERS } from '../../src/export/parquet-writers.ts';
import { rewardedAnnotations, storedAnnotations } from '../../src/export/source.ts';
import { appendEvent } from '../../src/jobs/events.ts';
import { knownExports } from '../../src/jobs/exports.ts';
import type { TaskContext, TaskHandler } from '../../src/jobs/worker.ts';
import {
  type ArtifactFacts,
  describeArtifacts,
  writeArtifacts,
  writeFiles,
} from '../../src/store/artifacts.ts';
import { scoreVersions } from '../../src/store/candidates.ts';
import { voteRevision } from '../../src/store/votes.ts';
import type { Tools } from '../process.ts';
import { writeBenchmarkResults } from './benchmark-results.ts';

/** What every curation leaves. */
const STAGE_LAYOUTS: readonly LayoutName[] = ['images', 'pickapic', 'scores'];

/** The stage "export" of a run. */
export function exportTask(tools: Tools): TaskHandler {
  const { store, places } = tools;
  return async (context) => {
    const { runId } = context.task;
    const { reward, pairs, scoring } = await settingsOf(tools, runId);
    const scores = chosenScores(await scoreVersions(store, runId, 'curated'), {});
    const policy = { reward, pairs, scores };
    const votes = await voteRevision(store, runId);
    const dataset = await readVersion(policy, storedAnnotations(store, runId, { scores, votes }));
    const job = { sourceRun: runId, writer: PARQUET_WRITERS[0], policy, votes, dataset };
    const artifacts = await write(
      tools,
      context,
      job,
      STAGE_LAYOUTS,
      path.join(places.runFolder(runId), 'export'),
    );
    const results = await writeBenchmarkResults(tools, runId, ['curated'], scoring.mode);
    const described = await describeArtifacts(results);
    await tools.artifacts.keep(runId, described);
    artifacts.push(...described);
    return (tx) => writeArtifacts(tx, runId, artifacts);
  };
}

/** A run of kind "export". Each attempt has a folder of its own, so that a stale one can't touch what counts. */
export function layoutTask(tools: Tools): TaskHandler {
  return async (context) => {
    const { runId, attempt } = context.task;
    const run = await tools.store.run.findUniqueOrThrow({ where: { id: runId } });
    const { layout, ...job } = run.settings as unknown as ExportSettings;
    // Those that were deleted while another machine answered.
    await removeForgotten(tools.places.exports, (ids) => knownExports(tools.store, ids));
    const folder = path.join(tools.places.exports, runId);
    await removeEarlier(folder, attempt);
    const files = await write(tools, context, job, [layout], path.join(folder, String(attempt)));
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    return async (tx) => {
      await writeFiles(tx, runId, files);
      await tx.export.update({ where: { runId }, data: { bytes } });
      await appendEvent(tx, runId, 'export-written', { files: files.length, bytes });
    };
  };
}

async function write(
  tools: Tools,
  { task, signal, progress }: TaskContext,
  job: Omit<ExportSettings, 'layout'>,
  layouts: readonly LayoutName[],
  folder: string,
): Promise<ArtifactFacts[]> {
  const { store, blobs, artifacts } = tools;
  const { sourceRun, writer, policy, votes, dataset } = job;
  const settings = await settingsOf(tools, sourceRun);
  // An export that was imported says of itself what it said before, so that it is the same to the last byte.
  const { run, facts } = originOf(settings) ?? { run: sourceRun, facts: factsOf(settings) };
  const { files } = await writeExport({
    annotations: rewardedAnnotations(store, sourceRun, policy.reward, { scores: policy.scores, votes }),
    load: (sha256) => blobs.get(sha256),
    policy,
    version: dataset.version,
    layouts,
    writer,
    ...{ folder, run, votes },
    facts: { ...facts, ...policyFacts(policy) },
    command: (layout) => exportCommand({ ...job, sourceRun: run }, layout),
    onAnnotation(done) {
      signal.throwIfAborted();
      progress(done / task.units);
    },
  });
  const written = files.map(({ name, bytes, sha256 }) => ({
    ...{ name, bytes, sha256 },
    path: path.join(folder, name),
  }));
  await artifacts.keep(task.runId, written);
  return written;
}

/** How the candidates came about. */
function factsOf(settings: RunSettings | ImportSettings): Record<string, string> {
  const { model, sampling, scoring } = settings;
  const mode = { 'scoring mode': scoring.mode };
  if ('import' in settings) return { images: `imported as ${settings.import.as}`, ...mode };
  return { model, sampling: `ddim, ${sampling.steps} steps, guidance ${sampling.guidance}`, ...mode };
}

const policyFacts = ({ reward, pairs }: DatasetPolicy): Record<string, string> => ({
  reward: JSON.stringify(reward),
  pairs: `${pairs.policy}, margin ${pairs.margin}, ties: ${pairs.ties}`,
});

function originOf(settings: RunSettings | ImportSettings) {
  const origin = 'import' in settings ? settings.import.origin : undefined;
  return origin && { run: origin.run, facts: Object.fromEntries(origin.facts) };
}

async function settingsOf({ store }: Tools, runId: string): Promise<RunSettings | ImportSettings> {
  const run = await store.run.findUniqueOrThrow({ where: { id: runId } });
  return run.settings as unknown as RunSettings | ImportSettings;
}

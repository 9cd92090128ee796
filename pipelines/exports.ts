/** From a request for an export to the run that makes it: which dataset version, in which layout. */
import { DiptychError } from '../src/errors.ts';
import { type DatasetPolicy, type DatasetVersion, readVersion } from '../src/export/dataset-version.ts';
import { LAYOUTS, type LayoutName } from '../src/export/layouts/index.ts';
import type { ParquetWriterName } from '../src/export/parquet-writers.ts';
import { storedAnnotations } from '../src/export/source.ts';
import type { ExportPlan } from '../src/jobs/exports.ts';
import { type ScoreVersions, scoreVersions } from '../src/store/candidates.ts';
import type { Store } from '../src/store/client.ts';
import { checkReward } from './plan.ts';
import type { ExportRequest, RunSettings } from './settings.ts';
import { layoutStage } from './stages.ts';

/** Settings of a run of kind "export". */
export interface ExportSettings {
  sourceRun: string;
  layout: LayoutName;
  writer: ParquetWriterName;
  policy: DatasetPolicy;
  /** What the policy gives on the source's data. */
  dataset: DatasetVersion;
}

/**
 * Reads all of the source's annotations and scores once, to name them. Throws DIPTYCH_NOT_FOUND for an unknown run,
 * DIPTYCH_CONFLICT for one that is not scored yet or whose data is of another version than asked for, and
 * DIPTYCH_INVALID_INPUT for what the layout or the scores can't give.
 */
export async function planExport(store: Store, runId: string, request: ExportRequest): Promise<ExportPlan> {
  const { layout, writer } = request;
  const { source, policy } = await exportPolicy(store, runId, request);
  const sourceId = source.id;
  if (policy.pairs.ties === 'keep' && !LAYOUTS[layout].tellsTies) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `pairs.ties is "keep", but the layout "${layout}" has no way to tell a tie; make it "drop"`,
    );
  }
  const dataset = await readVersion(policy, storedAnnotations(store, sourceId, policy.scores));
  if (request.version !== undefined && request.version !== dataset.version) {
    throw new DiptychError(
      'DIPTYCH_CONFLICT',
      `run ${runId} gives version ${dataset.version}, not ${request.version}: its annotations or scores have changed since, or reward, pairs or scores are others than then (inputs.jsonl of the earlier export names all of them)`,
    );
  }
  const settings: ExportSettings = { sourceRun: sourceId, layout, writer, policy, dataset };
  return {
    sourceId,
    version: dataset.version,
    layout,
    writer: LAYOUTS[layout].isParquet ? writer : '',
    run: {
      kind: 'export',
      setId: source.setId,
      settings: { ...settings },
      stages: [layoutStage(layout, dataset.annotations.count)],
    },
  };
}

/**
 * A scored run, and what a request makes of its own settings. Throws DIPTYCH_NOT_FOUND for an unknown run,
 * DIPTYCH_CONFLICT for one that is not scored yet, DIPTYCH_INVALID_INPUT for metrics and scores that there are not.
 */
export async function exportPolicy(
  store: Store,
  runId: string,
  request: Pick<ExportRequest, 'reward' | 'pairs' | 'scores' | 'filters'>,
) {
  const source = await scoredRun(store, runId);
  const own = source.settings as unknown as RunSettings;
  const scores = chosenScores(await scoreVersions(store, source.id, 'curated'), request.scores ?? {});
  const policy: DatasetPolicy = {
    ...{ reward: request.reward ?? own.reward, pairs: request.pairs ?? own.pairs, scores },
    ...(request.filters && { filters: request.filters }),
  };
  const unknown = Object.keys(request.filters?.minScores ?? {}).find(
    (metric) => scores[metric] === undefined,
  );
  if (unknown !== undefined) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `filters.minScores names "${unknown}"; measured are ${Object.keys(scores).join(', ')}`,
    );
  }
  if (request.reward) checkReward(request.reward.weights, Object.keys(scores), 'reward.weights');
  return { source, policy };
}

/** Makes a layout of an export's version again, from the command line. */
export function exportCommand(
  { sourceRun, writer, policy, dataset }: Omit<ExportSettings, 'layout'>,
  layout: LayoutName,
): string {
  const options = JSON.stringify({ ...policy, writer });
  return `npm run diptych -- export ${sourceRun} --layout ${layout} --options '${options}' --version ${dataset.version} --out FOLDER`;
}

/** A run whose candidates are all there. `id`: its own, or that of a run elsewhere whose export it imported. */
async function scoredRun(store: Store, id: string) {
  const include = { stages: { orderBy: { ordinal: 'asc' } } } as const;
  const run =
    (await store.run.findUnique({ where: { id }, include })) ??
    (await store.run.findFirst({
      where: {
        kind: 'import',
        status: 'succeeded',
        settings: { path: ['import', 'origin', 'run'], equals: id },
      },
      orderBy: { createdAt: 'desc' },
      include,
    }));
  if (!run) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no run ${id}`);
  const stage = run.kind === 'import' ? run.stages.at(-1) : run.stages.find(({ name }) => name === 'score');
  if (!stage) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `run ${id} is of kind "${run.kind}"; only candidates of a "curate", "curate-then-train" or "import" run can be exported`,
    );
  }
  if (stage.status !== 'succeeded') {
    throw new DiptychError(
      'DIPTYCH_CONFLICT',
      `run ${id} is not scored yet: its stage "${stage.name}" is ${stage.status}`,
    );
  }
  return run;
}

/** Of every metric the asked version, or the newest. Throws DIPTYCH_INVALID_INPUT for one that there is not. */
export function chosenScores(known: Record<string, string[]>, asked: ScoreVersions): ScoreVersions {
  const wrong = Object.keys(asked).find((metric) => !known[metric]?.includes(asked[metric]!));
  if (wrong !== undefined) {
    const there = known[wrong]?.join(', ') ?? `none; measured are ${Object.keys(known).join(', ')}`;
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `scores.${wrong} is "${asked[wrong]}"; there are ${there}`,
    );
  }
  return Object.fromEntries(
    Object.entries(known).map(([metric, versions]) => [metric, asked[metric] ?? versions.at(-1)!]),
  );
}

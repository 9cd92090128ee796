/** Compares base and tuned on the held-out annotations, and writes report.html and summary.json. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunSettings } from '../../pipelines/settings.ts';
import type { TrainPayload } from '../../pipelines/stages.ts';
import { validationAnnotations } from '../../pipelines/validation-annotations.ts';
import { tileImages } from '../../src/engine/image.ts';
import { decodeImage, encodePng } from '../../src/engine/png.ts';
import { compareMetrics } from '../../src/evaluation/compare-metrics.ts';
import { paperTables } from '../../src/evaluation/paper-tables.ts';
import { type ReportPicture, reportHtml } from '../../src/evaluation/report.ts';
import type { TaskHandler } from '../../src/jobs/worker.ts';
import { pairedCandidates } from '../../src/preference/pairs.ts';
import { describeArtifacts, lookUpArtifact, writeArtifacts } from '../../src/store/artifacts.ts';
import { trainingFolder } from '../../src/store/training-folder.ts';
import { isCheckpoint } from '../../src/training/checkpoints/snapshot.ts';
import { evaluationsText, pairEvaluations, RELEASED_EVALUATIONS } from '../../src/training/evaluations.ts';
import { alarmsOf } from '../../src/training/telemetry/alarms.ts';
import { readTelemetry } from '../../src/training/telemetry/telemetry.ts';
import type { Tools } from '../process.ts';
import { pairsOfRun } from '../rewarded.ts';
import { trainedOn } from '../trained-on.ts';
import { writeBenchmarkResults } from './benchmark-results.ts';
import { frechetResults } from './frechet.ts';
import { type Match, matchCandidates } from './matches.ts';
import { measuredTraining } from './measured-training.ts';

const PICTURES = 24;
const EXTREMES = 12;
/** Of before-after.png: pictures a row, and pixels of the sheet per pixel of a small image. */
const SHEET_COLUMNS = 12;
const SHEET_SIDE = 96;

export function reportTask(tools: Tools): TaskHandler {
  const { store, blobs, numeric, places } = tools;
  return async ({ task, signal, progress }) => {
    const run = await store.run.findUniqueOrThrow({ where: { id: task.runId }, include: { set: true } });
    const settings = run.settings as unknown as RunSettings;
    const trained = settings.sourceRun ?? task.runId;
    const {
      settings: { train },
      curated,
    } = await trainedOn(store, trained);

    const { matches, unmatched } = await matchCandidates(store, task.runId, settings.reward);
    const metrics = compareMetrics(matches, settings.seed);
    const frechet = await frechetResults(tools, settings, task.runId, curated, { signal, progress });
    const tables = paperTables(metrics, frechet);
    const artifact = await lookUpArtifact(store, trained, 'telemetry.jsonl');
    const telemetry = artifact
      ? await Array.fromAsync(readTelemetry(await tools.artifacts.local(trained, artifact)))
      : [];
    const seen = await trainingFolder(tools, trained, (name) => !isCheckpoint(name));
    const validation = await measuredTraining(seen, settings.seed);

    const picture = async ({ prompt, base: b, tuned: t }: Match): Promise<ReportPicture> => ({
      prompt,
      base: { png: await blobs.get(b.sha256), reward: b.reward },
      tuned: { png: await blobs.get(t.sha256), reward: t.reward },
    });
    const firstSlots = matches.filter((match) => match.base.slot === 0);
    const byChange = [...firstSlots].sort(
      (a, b) => b.tuned.reward - b.base.reward - (a.tuned.reward - a.base.reward),
    );
    const extremes = [...byChange.slice(0, EXTREMES / 2), ...byChange.slice(-EXTREMES / 2)];
    const pictures = await Promise.all(firstSlots.slice(0, PICTURES).map(picture));
    const engine = await numeric.call('engineName', null);
    const training = await store.task.findFirst({ where: { runId: trained, kind: 'train' } });
    const votes = (training?.payload as TrainPayload | undefined)?.votes ?? 0;
    const { candidates, pairs: formed } = await pairsOfRun(store, curated, settings, votes);
    const measured = validationAnnotations(
      { train },
      candidates.map(({ imgId }) => imgId),
    );
    const pairs = formed.filter(({ annotationId }) => !measured.has(annotationId));
    const evaluations =
      trained === task.runId &&
      telemetry.length > 0 &&
      pairEvaluations(settings.train, telemetry, pairedCandidates(pairs).size);
    const html = reportHtml({
      title: `Diptych: base against tuned, ${run.set.name}`,
      facts: {
        run: task.runId,
        ...modelFacts(settings),
        engine,
        'held-out annotations': String(new Set(matches.map(({ imgId }) => imgId)).size),
        'images per annotation and model': String(settings.evaluation.samples),
        ...(unmatched > 0 && { 'left out, an image or a score is missing': String(unmatched) }),
        ...(!settings.compare && {
          'curated candidates': String(candidates.length),
          pairs: String(pairs.length),
          'optimizer steps': String(telemetry.length),
          ...(validation && {
            'validation annotations': String(train.validation!.annotations),
            'tuned model': tunedModel(train, validation.bestStep),
          }),
        }),
        ...(evaluations && { 'UNet evaluations per pair and step': evaluationsText(evaluations) }),
      },
      metrics,
      tables,
      frechet,
      telemetry,
      validation,
      alarms: [...alarmsOf(telemetry), ...(validation?.alarms ?? [])].sort((a, b) => a.step - b.step),
      pictures,
      extremes: await Promise.all(extremes.map(picture)),
      settings,
    });
    const summary = {
      engine,
      annotations: run.set.count,
      candidates: candidates.length,
      pairs: pairs.length,
      unmatched,
      optimizerSteps: telemetry.length,
      ...(evaluations && { evaluationsPerPairAndStep: { ...evaluations, released: RELEASED_EVALUATIONS } }),
      ...(validation && { validation: { bestStep: validation.bestStep, curves: validation.curves } }),
      metrics,
      tables,
      frechet,
    };
    const folder = places.runFolder(task.runId);
    const files = {
      'report.html': await writeWhole(folder, 'report.html', html),
      'before-after.png': await writeWhole(folder, 'before-after.png', await contactSheet(pictures)),
      'summary.json': await writeWhole(folder, 'summary.json', `${JSON.stringify(summary, null, 2)}\n`),
    };
    const results = await writeBenchmarkResults(tools, task.runId, ['base', 'tuned'], settings.scoring.mode);
    const artifacts = await describeArtifacts({ ...files, ...results });
    await tools.artifacts.keep(task.runId, artifacts);
    return (tx) => writeArtifacts(tx, task.runId, artifacts);
  };
}

/** What was compared: two folders, or a model before and after its training. */
function modelFacts({ compare, train, evaluation: { demon } }: RunSettings): Record<string, string> {
  const form = train.objective === 'inversion-dpo' ? `, ${train.form}` : '';
  return {
    ...(compare ?? { objective: `${train.objective}${form}` }),
    ...(demon && { 'tuned side drawn with': `a ${demon.weighting} demon of ${demon.noises} noises` }),
  };
}

function tunedModel({ steps, validation }: RunSettings['train'], bestStep: number | null): string {
  return validation!.tuned === 'best' && bestStep !== null
    ? `step ${bestStep} of ${steps}, the best by validation reward`
    : `step ${steps}, the last`;
}

/** Rows of base images, each with the tuned ones below it. */
async function contactSheet(pictures: readonly ReportPicture[]): Promise<Buffer> {
  const rows = Array.from({ length: Math.ceil(pictures.length / SHEET_COLUMNS) }, (_, i) =>
    pictures.slice(i * SHEET_COLUMNS, (i + 1) * SHEET_COLUMNS),
  );
  const images = await Promise.all(
    rows
      .filter(({ length }) => length === Math.min(SHEET_COLUMNS, pictures.length))
      .flatMap((row) => [...row.map(({ base }) => base), ...row.map(({ tuned }) => tuned)])
      .map(({ png }) => decodeImage(png)),
  );
  const scale = Math.max(1, Math.floor(SHEET_SIDE / images[0]!.width));
  return encodePng(tileImages(images, Math.min(SHEET_COLUMNS, pictures.length), scale));
}

async function writeWhole(folder: string, name: string, content: string | Buffer): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, name);
  await writeFile(`${file}.tmp`, content);
  await rename(`${file}.tmp`, file);
  return file;
}

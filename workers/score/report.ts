/** Compares base and tuned on the held-out annotations, and writes report.html and summary.json. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunSettings } from '../../pipelines/settings.ts';
import { tileImages } from '../../src/engine/image.ts';
import { decodeImage, encodePng } from '../../src/engine/png.ts';
import { DiptychError } from '../../src/errors.ts';
import { type Comparison, compare } from '../../src/evaluation/bootstrap.ts';
import { type ReportPicture, reportHtml } from '../../src/evaluation/report.ts';
import type { TaskHandler } from '../../src/jobs/worker.ts';
import { hashSeed } from '../../src/random.ts';
import { createReward, type RewardSettings } from '../../src/scoring/reward.ts';
import { describeArtifacts, writeArtifacts } from '../../src/store/artifacts.ts';
import { allScored, type ScoredCandidate } from '../../src/store/candidates.ts';
import type { Store } from '../../src/store/client.ts';
import { alarmsOf } from '../../src/training/alarms.ts';
import { readTelemetry } from '../../src/training/telemetry.ts';
import type { Tools } from '../process.ts';
import { pairsOfRun } from '../rewarded.ts';

const PICTURES = 24;
const EXTREMES = 12;
/** Of before-after.png: pictures a row, and pixels of the sheet per pixel of a small image. */
const SHEET_COLUMNS = 12;
const SHEET_SIDE = 96;

interface Match {
  imgId: string;
  prompt: string;
  base: ScoredCandidate & { reward: number };
  tuned: ScoredCandidate & { reward: number };
}

export function reportTask({ store, blobs, numeric, places }: Tools): TaskHandler {
  return async ({ task }) => {
    const run = await store.run.findUniqueOrThrow({ where: { id: task.runId }, include: { set: true } });
    const settings = run.settings as unknown as RunSettings;
    const trained = settings.sourceRun ?? task.runId;

    const { matches, unmatched } = await matchCandidates(store, task.runId, settings.reward);
    const metrics = compareMetrics(matches, settings.seed);
    const artifact = await store.artifact.findUnique({
      where: { runId_name: { runId: trained, name: 'telemetry.jsonl' } },
    });
    const telemetry = artifact ? await Array.fromAsync(readTelemetry(artifact.path)) : [];

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
    const { candidates, pairs } = await pairsOfRun(store, trained, settings);
    const html = reportHtml({
      title: `Diptych: base against tuned, ${run.set.name}`,
      facts: {
        run: task.runId,
        objective: `${settings.train.objective}${settings.train.objective === 'inversion-dpo' ? `, ${settings.train.form}` : ''}`,
        engine,
        'held-out annotations': String(new Set(matches.map(({ imgId }) => imgId)).size),
        'images per annotation and model': String(settings.evaluation.samples),
        ...(unmatched > 0 && { 'left out, an image or a score is missing': String(unmatched) }),
        'curated candidates': String(candidates.length),
        pairs: String(pairs.length),
        'optimizer steps': String(telemetry.length),
      },
      metrics,
      telemetry,
      alarms: alarmsOf(telemetry),
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
      metrics,
    };
    const folder = places.runFolder(task.runId);
    const files = {
      'report.html': await writeWhole(folder, 'report.html', html),
      'before-after.png': await writeWhole(folder, 'before-after.png', await contactSheet(pictures)),
      'summary.json': await writeWhole(folder, 'summary.json', `${JSON.stringify(summary, null, 2)}\n`),
    };
    const artifacts = await describeArtifacts(files);
    return (tx) => writeArtifacts(tx, task.runId, artifacts);
  };
}

/**
 * Base and tuned images of the same annotation and slot. Those that lack an image or a reward on either side are
 * only counted. Throws DIPTYCH_INVALID_INPUT when none are left.
 */
async function matchCandidates(
  store: Store,
  runId: string,
  settings: RewardSettings,
): Promise<{ matches: Match[]; unmatched: number }> {
  const base = await Array.fromAsync(allScored(store, runId, 'base'));
  const tuned = await Array.fromAsync(allScored(store, runId, 'tuned'));
  const reward = await createReward(
    settings,
    [...base, ...tuned].map(({ scores }) => scores),
  );
  const key = ({ imgId, slot }: ScoredCandidate) => `${slot}/${imgId}`;
  const tunedOf = new Map(tuned.map((candidate) => [key(candidate), candidate]));
  const matches = base.flatMap((candidate): Match[] => {
    const other = tunedOf.get(key(candidate));
    const [before, after] = [reward(candidate.scores), other ? reward(other.scores) : null];
    if (!other || before === null || after === null) return [];
    const { imgId, prompt } = candidate;
    return [{ imgId, prompt, base: { ...candidate, reward: before }, tuned: { ...other, reward: after } }];
  });
  const all = new Set([...base, ...tuned].map(key)).size;
  if (matches.length === 0) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `of ${all} held-out images none has a reward under both models; see the run's failures`,
    );
  }
  return { matches, unmatched: all - matches.length };
}

/** The reward first, then every metric that all images have; one mean per annotation. */
function compareMetrics(matches: readonly Match[], seed: number): Record<string, Comparison> {
  const names = Object.keys(matches[0]!.base.scores)
    .filter((name) => matches.every(({ base, tuned }) => name in base.scores && name in tuned.scores))
    .sort();
  const value = (side: Match['base'], name: string) => (name === 'reward' ? side.reward : side.scores[name]!);
  return Object.fromEntries(
    ['reward', ...names].map((name) => {
      const perAnnotation = (side: 'base' | 'tuned') => {
        const sums = new Map<string, number[]>();
        for (const match of matches) {
          sums.set(match.imgId, [...(sums.get(match.imgId) ?? []), value(match[side], name)]);
        }
        return [...sums.values()].map((values) => values.reduce((sum, x) => sum + x, 0) / values.length);
      };
      const interval = hashSeed('bootstrap', seed, name);
      return [name, compare(perAnnotation('base'), perAnnotation('tuned'), interval)];
    }),
  );
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

/**
 * `npm run demo`: the main job through the real service, as any client would run it over HTTP.
 * Ingest the shipped annotations, ask for one curate-then-train run, watch it, show what came of it. A run that an
 * earlier demo was stopped in is taken up again.
 */
import { appendFileSync, createReadStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stopAsked } from '../process-end.ts';
import { isOver, openClient } from './client.ts';
import {
  createProgressPrinter,
  formatComparison,
  formatDuration,
  type MetricComparison,
} from './progress.ts';
import { startService } from './service.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const HOME = path.join(ROOT, '.diptych');
const ANNOTATIONS = path.join(ROOT, 'models/sample/annotations.json');
const SET = 'sample-world';
const KIND = 'curate-then-train';
/**
 * Half of the annotations are for evaluation: a demo should measure well, not train long. Fewer sampling steps than
 * the default cost the sample model little quality.
 */
const SETTINGS = { heldOutFraction: 0.5, sampling: { steps: 12 }, train: { steps: 160, inversionSteps: 12 } };

/** What the report stage leaves as the artifact `summary.json`. */
interface RunSummary {
  engine: string;
  annotations: number;
  candidates: number;
  pairs: number;
  optimizerSteps: number;
  metrics: Record<string, MetricComparison>;
}

/** Returns the exit code. */
export async function demo(): Promise<number> {
  const started = Date.now();
  const setupSeconds = Number(process.env.DIPTYCH_SETUP_SECONDS ?? 0);
  await mkdir(path.join(HOME, 'demo'), { recursive: true });
  const logFile = path.join(HOME, 'demo', 'service.log');
  await writeFile(logFile, '');
  const stopped = stopAsked();
  const service = await startService({ home: HOME, log: (line) => appendFileSync(logFile, `${line}\n`) });
  console.log(`Diptych listens on ${service.url} (API pages at ${service.url}/docs)`);

  try {
    const client = openClient(service.url);
    const ingest = await client.ingest(SET, createReadStream(ANNOTATIONS));
    console.log(
      `${ingest.received} annotations sent: ${ingest.inserted} new, ${ingest.unchanged} known, ${ingest.rejected} rejected`,
    );

    const known = (await client.runs()).find(
      (run) => run.kind === KIND && run.annotationSet === SET && !isOver(run),
    );
    const run = known ?? (await client.createRun({ kind: KIND, annotationSet: SET, settings: SETTINGS }));
    console.log(`run ${run.id}: ${known ? 'going on where it was stopped' : 'curate, train, evaluate'}`);
    const printer = createProgressPrinter(process.stdout);
    const finished = await Promise.race([
      stopped.then(() => null),
      client.watchRun(run.id, (view) => printer.show(view.stages, view.secondsLeft)),
    ]);
    if (!finished) {
      console.log('\nstopping; the next `npm run demo` or `npm start` goes on with the run');
      return 130;
    }
    if (finished.status !== 'succeeded') {
      throw new Error(`the run ended as "${finished.status}": ${finished.error ?? 'see its events'}`);
    }

    const artifacts = await client.artifacts(run.id);
    const located = (name: string) => artifacts.find((artifact) => artifact.name === name)!.path;
    const summary = JSON.parse(await readFile(located('summary.json'), 'utf8')) as RunSummary;
    const parquet = artifacts
      .filter((artifact) => artifact.path.endsWith('.parquet'))
      .map((artifact) => artifact.path);
    const report = located('report.html');
    const seconds = (Date.now() - started) / 1000;

    const out = { seconds: Number(seconds.toFixed(1)), setupSeconds, ...summary, parquet, report };
    await writeFile(path.join(HOME, 'demo', 'summary.json'), `${JSON.stringify(out, null, 2)}\n`);
    console.log(`\n${formatComparison(summary.metrics)}\n`);
    console.log(
      `${summary.candidates} candidates, ${summary.pairs} pairs, ${summary.optimizerSteps} optimizer steps, ${formatDuration(seconds)}`,
    );
    for (const file of parquet) console.log(`  ${path.relative(process.cwd(), file)}`);
    console.log(`  ${path.relative(process.cwd(), report)}`);
    console.log('\n`npm start` serves this store: API, documentation at /docs, report pages.');
    return 0;
  } catch (thrown) {
    console.error(thrown instanceof Error ? thrown.message : thrown);
    console.error(`The service's own log: ${path.relative(process.cwd(), logFile)}`);
    return 1;
  } finally {
    await service.stop();
  }
}

/**
 * `npm run demo`: the main job through the real service, as any client would run it over HTTP.
 * Ingest the shipped annotations, ask for one curate-then-train run, watch it, show what came of it. A run that an
 * earlier demo was stopped in is taken up again.
 */
import { appendFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Client, isOver, openClient, type Run } from '../../clients/typescript/client.ts';
import { streamOf } from '../../clients/typescript/files.ts';
import { stopAsked } from '../process-end.ts';
import { type Asked, EXIT } from './command.ts';
import { formatComparison, formatDuration, type MetricComparison } from './progress.ts';
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

export async function demo({ out }: Asked): Promise<number> {
  const started = Date.now();
  const setupSeconds = Number(process.env.DIPTYCH_SETUP_SECONDS ?? 0);
  await mkdir(path.join(HOME, 'demo'), { recursive: true });
  const logFile = path.join(HOME, 'demo', 'service.log');
  await writeFile(logFile, '');
  const stopped = stopAsked();
  const service = await startService({ home: HOME, log: (line) => appendFileSync(logFile, `${line}\n`) });
  out.note(`Diptych listens on ${service.url} (API pages at ${service.url}/docs)`);

  try {
    const client = openClient(service.url);
    const ingest = await client.ingest(SET, streamOf(ANNOTATIONS));
    out.note(
      `${ingest.received} annotations sent: ${ingest.inserted} new, ${ingest.unchanged} known, ${ingest.rejected} rejected`,
    );

    const known = await underWay(client);
    const run = known ?? (await client.createRun({ kind: KIND, annotationSet: SET, settings: SETTINGS }));
    out.note(`run ${run.id}: ${known ? 'going on where it was stopped' : 'curate, train, evaluate'}`);
    const printer = out.progress();
    const finished = await Promise.race([
      stopped.then(() => null),
      client.watchRun(run.id, (view) => printer.show(view.stages, view.secondsLeft)),
    ]);
    if (!finished) {
      out.note('stopping; the next `npm run demo` or `npm start` goes on with the run');
      return EXIT.stopped;
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

    const whole = { seconds: Number(seconds.toFixed(1)), setupSeconds, ...summary, parquet, report };
    await writeFile(path.join(HOME, 'demo', 'summary.json'), `${JSON.stringify(whole, null, 2)}\n`);
    const files = [...parquet, report].map((file) => `  ${path.relative(process.cwd(), file)}`);
    const { candidates, pairs, optimizerSteps } = summary;
    out.result(
      whole,
      [
        `\n${formatComparison(summary.metrics)}\n`,
        `${candidates} candidates, ${pairs} pairs, ${optimizerSteps} optimizer steps, ${formatDuration(seconds)}`,
        ...files,
        '\n`npm start` serves this store: API, documentation at /docs, report pages.',
      ].join('\n'),
    );
    return EXIT.done;
  } catch (thrown) {
    out.note(`The service's own log: ${path.relative(process.cwd(), logFile)}`);
    throw thrown;
  } finally {
    await service.stop();
  }
}

/** A run that an earlier demo was stopped in. */
async function underWay(client: Client): Promise<Run | undefined> {
  for await (const run of client.runs()) {
    if (run.kind === KIND && run.annotationSet === SET && !isOver(run)) return run;
  }
}

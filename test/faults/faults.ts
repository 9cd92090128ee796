/** Everything but kills that may happen to a run, each as: a service made ready for it, and what happens to its run. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { startEmbeddedPostgres } from '../../src/store/postgres.ts';
import { execute, reachableFolder } from '../database.ts';
import { missingForRadosgw, startRadosgw } from '../store/radosgw.ts';
import { until } from '../wait.ts';
import { startSteeredClock } from './clock.ts';
import { startDatabaseProxy, startS3Proxy } from './proxies.ts';
import type { SampleRun } from './sample-run.ts';
import { SLOW, startWatched, type WatchedService } from './service.ts';

const run = promisify(execFile);
const MAIN = path.resolve(import.meta.dirname, '../../src/cli/main.ts');

export interface Fault {
  name: string;
  /** A service that it can happen to, or why this machine can't have one. */
  prepare(): Promise<Prepared | { lacking: string }>;
}

export interface Prepared {
  service: WatchedService;
  /** Resolves when it has happened; `recovered` gets a row's name in the table and how long it took to go on, in seconds. */
  happen(sample: SampleRun, recovered: (what: string, seconds: number) => void): Promise<void>;
  /** After the service has stopped. */
  clean(): Promise<void>;
}

/** Seconds that a server is away, or a server refuses. */
const AWAY_MS = 4000;
/** Longer than all tries of a task together that don't wait for it. */
const MINUTE_MS = 60_000;
/** Progress of a training that has inverted its candidates. */
const STEPS_BEGUN = 0.3;

/** In the table of recovery times. */
const WHILE = {
  generate: 'while images are made',
  score: 'while images are scored',
  train: 'while training',
};
const HOW = { failing: 'answers 500', slow: 'answers every request 2 s late' };

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when a task of that worker is being done. */
const working = ({ ask }: WatchedService, { id }: SampleRun, worker: string) =>
  until(
    `a ${worker} task is under way`,
    async () =>
      (
        await ask<{ id: string; attempt: number }>(
          `SELECT id, attempt FROM task WHERE run_id = '${id}' AND worker = '${worker}' AND status = 'running'`,
        ).catch(() => [])
      )[0],
    SLOW,
  );

/** Seconds until the run has got further than it is now. */
async function movesOn({ ask }: WatchedService, { id }: SampleRun): Promise<number> {
  const look = async () =>
    JSON.stringify(
      await ask(
        `SELECT id, status, attempt, progress FROM task WHERE run_id = '${id}' AND status <> 'waiting' ORDER BY id`,
      ),
    );
  const started = performance.now();
  const before = await look();
  await until('the run goes on', async () => (await look()) !== before, SLOW);
  return (performance.now() - started) / 1000;
}

/** Resolves when a try has failed for a reason that matches. */
const triedAgain = ({ ask }: WatchedService, { id }: SampleRun, reason: string) =>
  until(
    `a task was tried again for ${reason}`,
    async () =>
      (
        await ask(
          `SELECT id FROM event WHERE run_id = '${id}' AND type = 'task-retried' AND data->>'error' LIKE '%${reason}%'`,
        ).catch(() => [])
      ).length > 0,
    SLOW,
  );

const connectionsCut: Fault = {
  name: 'database connections cut',
  async prepare() {
    const home = await reachableFolder();
    const server = await startEmbeddedPostgres(home);
    const proxy = await startDatabaseProxy(server.url);
    const service = await startWatched({ DATABASE_URL: proxy.url });
    // What is looked at goes past the proxy.
    const past = { ...service, ask: asking(server.url) };
    return {
      service: past,
      async happen(sample, recovered) {
        for (const worker of ['generate', 'train'] as const) {
          await working(past, sample, worker);
          proxy.cut();
          await pause(AWAY_MS);
          proxy.mend();
          recovered(
            `database connections cut for ${AWAY_MS / 1000} s ${WHILE[worker]}`,
            await movesOn(past, sample),
          );
        }
      },
      async clean() {
        await proxy.stop();
        await server.stop();
        for (const folder of [home, server.folder]) await rm(folder, { recursive: true, force: true });
      },
    };
  },
};

const s3Disturbed: Fault = {
  name: 'S3 answers 500, then slowly',
  async prepare() {
    if (missingForRadosgw.length > 0) return { lacking: missingForRadosgw.join(', ') };
    const gateway = await startRadosgw();
    const target = gateway.environment.AWS_ENDPOINT_URL_S3!;
    const s3 = new S3Client({
      ...{ forcePathStyle: true, endpoint: target, region: gateway.environment.AWS_REGION },
      credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    });
    await s3.send(new CreateBucketCommand({ Bucket: 'diptych' }));
    const proxy = await startS3Proxy(target);
    const service = await startWatched({
      ...gateway.environment,
      AWS_ENDPOINT_URL_S3: proxy.url,
      DIPTYCH_BLOBS: 's3://diptych/store',
    });
    return {
      service,
      async happen(sample, recovered) {
        for (const [worker, how, ms] of [
          ['generate', 'failing', MINUTE_MS],
          ['score', 'slow', AWAY_MS],
          ['train', 'failing', AWAY_MS],
        ] as const) {
          await working(service, sample, worker);
          const met = proxy.disturbed();
          proxy.behave(how);
          await until(`the server is asked while it is ${how}`, () => proxy.disturbed() > met, SLOW);
          await pause(ms);
          proxy.behave('well');
          recovered(`S3 ${HOW[how]} for ${ms / 1000} s ${WHILE[worker]}`, await movesOn(service, sample));
        }
      },
      async clean() {
        await proxy.stop();
        await gateway.stop();
      },
    };
  },
};

const diskFull: Fault = {
  name: 'disk full',
  async prepare() {
    const home = await reachableFolder();
    const disk = path.join(home, 'runs');
    await mkdir(disk);
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'tmpfs', disk]).then(
      () => null,
      (thrown: Error) => thrown.message.trim(),
    );
    if (mounted !== null) {
      await rm(home, { recursive: true });
      return { lacking: `a disk of its own (${mounted})` };
    }
    const service = await startWatched({ DIPTYCH_BLOBS: path.join(disk, 'blobs') }, home);
    const ballast = path.join(disk, 'ballast');
    return {
      service: {
        ...service,
        // The disk can't be removed while it is mounted.
        async stop() {
          await run('umount', ['--lazy', disk]);
          await service.stop();
        },
      },
      async happen(sample, recovered) {
        for (const worker of ['generate', 'train'] as const) {
          await working(service, sample, worker);
          await fill(ballast);
          await triedAgain(service, sample, 'ENOSPC');
          await rm(ballast);
          recovered(`disk full ${WHILE[worker]}, then room again`, await movesOn(service, sample));
          await service.ask(`DELETE FROM event WHERE type = 'task-retried'`);
        }
      },
      async clean() {},
    };
  },
};

async function fill(ballast: string): Promise<void> {
  const piece = new Uint8Array(2 ** 16);
  for (;;) {
    const full = await writeFile(ballast, piece, { flag: 'a' }).then(
      () => false,
      () => true,
    );
    if (full) return;
  }
}

const frozen: Fault = {
  name: 'a train worker frozen past its lease, and woken',
  async prepare() {
    const service = await startWatched();
    let second: ChildProcess | undefined;
    return {
      service,
      async happen(sample, recovered) {
        const { id, attempt } = await working(service, sample, 'train');
        const task = async () =>
          (
            await service.ask<{ attempt: number; progress: number }>(
              `SELECT attempt, progress FROM task WHERE id = '${id}'`,
            )
          )[0]!;
        second = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'worker', 'train'], {
          env: { ...process.env, DATABASE_URL: service.databaseUrl(), DIPTYCH_HOME: service.home },
          stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        });
        await until('a step was taken', async () => (await task()).progress > STEPS_BEGUN, SLOW);
        const [first] = service.pids('train');
        const started = performance.now();
        process.kill(first!, 'SIGSTOP');
        await until('another worker has it', async () => (await task()).attempt > attempt, SLOW);
        recovered(
          'train worker frozen past its lease: another took over',
          (performance.now() - started) / 1000,
        );
        await until('it takes steps', async () => (await task()).progress > STEPS_BEGUN, SLOW);
        process.kill(first!, 'SIGCONT');
      },
      async clean() {
        second?.kill('SIGKILL');
      },
    };
  },
};

const HOUR = 3600;

const clockJumps: Fault = {
  name: 'the clock jumps an hour ahead, then two back, and a worker dies',
  async prepare() {
    const clock = await startSteeredClock();
    if (!clock) return { lacking: 'g++, or it is not Linux' };
    const service = await startWatched(clock.environment);
    return {
      service,
      async happen(sample, recovered) {
        await working(service, sample, 'generate');
        await clock.set(HOUR);
        recovered(`the clock jumps an hour ahead ${WHILE.generate}`, await movesOn(service, sample));
        const { id, attempt } = await working(service, sample, 'train');
        await clock.set(-HOUR);
        for (const pid of service.pids('train')) process.kill(pid, 'SIGKILL');
        const started = performance.now();
        await until(
          'the task was taken again',
          async () =>
            (await service.ask<{ attempt: number }>(`SELECT attempt FROM task WHERE id = '${id}'`))[0]!
              .attempt > attempt,
          SLOW,
        );
        recovered(
          `the clock jumps two hours back ${WHILE.train}, and the train worker is killed`,
          (performance.now() - started) / 1000,
        );
      },
      clean: () => clock.stop(),
    };
  },
};

export const FAULTS: readonly Fault[] = [connectionsCut, s3Disturbed, diskFull, frozen, clockJumps];

const asking =
  (url: string): WatchedService['ask'] =>
  async (sql) =>
    (await execute(url, sql)) as never;

/**
 * Prometheus metrics. What all processes of a service share (runs, stages, the queue) is read from the database when
 * it is asked for, from counters that are kept with the writes they count; so workers need no port of their own.
 */
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { WORKERS } from '../jobs/queue.ts';
import { query } from '../store/client.ts';
import type { Services } from './services.ts';

export interface Metrics {
  contentType: string;
  read(): Promise<string>;
}

interface StageCounts {
  stage: string;
  planned: number;
  done: number;
  failed: number;
  dropped: number;
  /** Of the one that ended last; null: none has. */
  secondsPerUnit: number | null;
}

export function keepMetrics(app: FastifyInstance, { store, boss }: Services): Metrics {
  const registers = [new Registry()];
  collectDefaultMetrics({ register: registers[0] });
  const gauge = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Gauge({ name: `diptych_${name}`, help, labelNames, registers });

  const answers = new Histogram({
    name: 'diptych_http_request_seconds',
    help: 'Time of answers, by route',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  app.addHook('onResponse', async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
    answers.observe({ method, route: routeOptions.url ?? 'none', status: statusCode }, elapsedTime / 1000);
  });

  const runs = gauge('runs', 'Runs, by status', ['status']);
  const units = gauge('stage_units', 'Units of work (candidates, steps, files) of all runs', [
    'stage',
    'state',
  ]);
  const rates = gauge('stage_seconds_per_unit', 'Of the stage of this name that ended last', ['stage']);
  const jobs = gauge('queue_jobs', 'Tasks that wait for a worker or are in the hands of one', [
    'worker',
    'state',
  ]);
  const webhooks = gauge('webhook_deliveries', 'Ends of runs that are still to be told', []);

  return {
    contentType: registers[0]!.contentType,
    async read() {
      for (const { status, count } of await query<{ status: string; count: number }>(
        store,
        `SELECT s.status::text AS status, count(r.id)::int AS count
         FROM unnest(enum_range(NULL::run_status)) AS s(status) LEFT JOIN run r ON r.status = s.status GROUP BY 1`,
      ))
        runs.set({ status }, count);
      const stages = await query<StageCounts>(
        store,
        `SELECT name AS stage, sum(total)::float8 AS planned, sum(done)::float8 AS done,
           sum(failed)::float8 AS failed, sum(dropped)::float8 AS dropped,
           (array_agg(extract(epoch FROM finished_at - started_at) / greatest(total, 1) ORDER BY finished_at DESC)
             FILTER (WHERE finished_at IS NOT NULL))[1]::float8 AS "secondsPerUnit"
         FROM stage GROUP BY name`,
      );
      units.reset();
      for (const { stage, secondsPerUnit, ...counts } of stages) {
        for (const [state, count] of Object.entries(counts)) units.set({ stage, state }, count);
        if (secondsPerUnit !== null) rates.set({ stage }, secondsPerUnit);
      }
      // Kept by the queue's supervision, a second old at most.
      for (const { name, queuedCount, activeCount } of await boss.getQueues([...WORKERS])) {
        jobs.set({ worker: name, state: 'waiting' }, queuedCount);
        jobs.set({ worker: name, state: 'running' }, activeCount);
      }
      webhooks.set(await store.webhookDelivery.count({ where: { dueAt: { not: null } } }));
      return registers[0]!.metrics();
    },
  };
}

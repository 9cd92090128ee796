/** The run that is disturbed: curated, voted on, trained and compared, in a minute. */
import { isOver, openClient } from '../../clients/typescript/client.ts';
import { scenes } from '../scenes.ts';
import { until } from '../wait.ts';
import { SLOW, SLOW_RUN, type WatchedService } from './service.ts';

const SET = 'shapes';
const ANNOTATIONS = scenes(7);
const SETTINGS = {
  candidates: 3,
  heldOutFraction: 0.2,
  sampling: { steps: 4 },
  pairs: { margin: 0 },
  train: { steps: 12, pairsPerStep: 1, inversionSteps: 2, checkpointEvery: 2, warmUp: 2 },
};
const VOTER = 'ada';

export interface SampleRun {
  id: string;
  /** Resolves when it has succeeded and every vote is cast; rejects when it fails. */
  ended: Promise<void>;
}

/** Whoever asks and votes asks again until there is an answer, as a client should. */
export async function startSampleRun(service: WatchedService): Promise<SampleRun> {
  await post(service, `/annotation-sets/${SET}/annotations`, ANNOTATIONS);
  const asked = { kind: 'curate-then-train', annotationSet: SET, settings: SETTINGS };
  const { id } = (await post(service, '/runs', asked)) as { id: string };
  const ended = Promise.all([succeeded(service, id), vote(service, id)]).then(() => {});
  // Whoever waits for it later hears of it then.
  ended.catch(() => {});
  return { id, ended };
}

async function succeeded({ url, log }: WatchedService, id: string): Promise<void> {
  const view = await until(
    'the run has ended',
    async () => {
      const run = await openClient(url)
        .getRun(id)
        .catch(() => null);
      return run && isOver(run) && run;
    },
    SLOW_RUN,
  );
  if (view.status !== 'succeeded')
    throw new Error(`run ${id} is ${view.status}: ${view.error}; the service's log:\n${log.join('\n')}`);
}

/** Ranks the candidates of every annotation by their slots, the last one first, once they are scored. */
async function vote(service: WatchedService, id: string): Promise<void> {
  const route = `/runs/${id}/votes`;
  const client = openClient(service.url);
  await until(
    'the candidates are scored',
    async () => {
      const run = await client.getRun(id).catch(() => null);
      return run?.stages.find(({ name }) => name === 'score')?.status === 'succeeded';
    },
    SLOW_RUN,
  );
  const rows = await until(
    'the candidates are known',
    () =>
      service
        .ask<{ ids: string[] }>(
          `SELECT array_agg(c.id::text ORDER BY slot) AS ids FROM candidate c JOIN annotation a ON a.id = annotation_id
           WHERE run_id = '${id}' AND variant = 'curated' GROUP BY a.img_id ORDER BY a.img_id`,
        )
        .catch(() => null),
    SLOW,
  );
  for (const { ids } of rows)
    await post(service, route, {
      ...{ voter: VOTER, shown: ids, outcome: 'ranking', ranking: ids.toReversed(), seconds: 1 },
    });
}

/** Asks again where nobody answers, or the service says that it can't now. */
function post({ url }: WatchedService, route: string, body: object): Promise<unknown> {
  return until(
    `${route} is answered`,
    async () => {
      const answer = await fetch(`${url}/v1${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      }).catch(() => null);
      if (!answer || answer.status >= 500) return null;
      const said = await answer.text();
      if (!answer.ok) throw new Error(`${route}: ${answer.status} ${said}`);
      return said && JSON.parse(said);
    },
    SLOW,
  );
}

/** From a request to a run's plan: which annotations, which stages. */
import { DiptychError } from '../src/errors.ts';
import type { RunPlan, StagePlan } from '../src/jobs/runs.ts';
import { METRIC_NAMES, metricNames } from '../src/scoring/score.ts';
import { annotationKeys, findSet } from '../src/store/annotations.ts';
import { scoreVersions } from '../src/store/candidates.ts';
import type { Store } from '../src/store/client.ts';
import { places } from '../src/store/places.ts';
import { checkTrainSettings } from '../src/training/check-settings.ts';
import { isOnPolicy } from '../src/training/settings.ts';
import { curate } from './curate.ts';
import { curateThenTrain } from './curate-then-train.ts';
import { evaluate } from './evaluate.ts';
import { completed, type RunKind, type RunRequest, type RunSettings } from './settings.ts';
import { isHeldOut, type PlanInput } from './stages.ts';
import { train } from './train.ts';
import { readTrainer } from './trainers.ts';
import { checkValidation } from './validation-annotations.ts';

interface Pipeline {
  stages(input: PlanInput): StagePlan[];
  needs: readonly ('curated' | 'heldOut' | 'sourceRun' | 'models')[];
}

const PIPELINES: Record<RunKind, Pipeline> = {
  curate: { stages: curate, needs: ['curated'] },
  train: { stages: train, needs: ['sourceRun'] },
  evaluate: { stages: evaluate, needs: ['heldOut', 'models'] },
  'curate-then-train': { stages: curateThenTrain, needs: ['curated', 'heldOut'] },
};

/** Throws DIPTYCH_NOT_FOUND for an unknown set or run, DIPTYCH_INVALID_INPUT for what can't be done. */
export async function planRun(
  store: Store,
  { kind, annotationSet, settings: asked, priority }: RunRequest,
): Promise<RunPlan> {
  const settings = completed(asked);
  checkServers(kind, settings);
  if (kind === 'train' || kind === 'curate-then-train')
    checkTrainSettings({ ...settings.train, seed: settings.seed });
  await checkTrainer(settings);
  if (settings.compare && kind !== 'evaluate') {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `settings.compare is for runs of kind "evaluate", not "${kind}"`,
    );
  }
  if (settings.compare && settings.evaluation.demon && settings.reward.policy === 'zmean') {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      'settings.evaluation.demon follows the reward, and settings.reward.policy "zmean" needs the candidates of a run; with settings.compare give "mean"',
    );
  }
  const set = await findSet(store, annotationSet);
  const input: PlanInput = { settings, votes: 0, curated: [], heldOut: [] };
  for await (const { id, splitKey } of annotationKeys(store, set.id)) {
    (isHeldOut(splitKey, settings.heldOutFraction) ? input.heldOut : input.curated).push(id);
  }
  const { stages, needs } = PIPELINES[kind];
  const lacking = {
    curated: `annotation set "${annotationSet}" has ${set.count} annotations, none of them left to curate with heldOutFraction ${settings.heldOutFraction}`,
    heldOut: `annotation set "${annotationSet}" has ${set.count} annotations, none of them held out with heldOutFraction ${settings.heldOutFraction}`,
    sourceRun: `a run of kind "${kind}" needs settings.sourceRun: the run whose results it uses`,
    models: `a run of kind "${kind}" needs settings.sourceRun, the run whose tuned model it uses, or settings.compare, two models; not both`,
  };
  const there = {
    curated: input.curated.length > 0,
    heldOut: input.heldOut.length > 0,
    sourceRun: settings.sourceRun !== undefined,
    models: (settings.sourceRun === undefined) !== (settings.compare === undefined),
  };
  const absent = needs.find((need) => !there[need]);
  if (absent) throw new DiptychError('DIPTYCH_INVALID_INPUT', lacking[absent]);
  if (kind === 'curate-then-train') checkValidation(settings, input.curated.length);
  let scoring = settings.scoring;
  /** Metrics of an import, where the run builds on one. */
  let imported: string[] | undefined;
  if (settings.sourceRun !== undefined && (needs.includes('sourceRun') || needs.includes('models'))) {
    const source = await store.run.findUnique({ where: { id: settings.sourceRun } });
    if (!source) throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no run ${settings.sourceRun}`);
    if (source.status !== 'succeeded') {
      throw new DiptychError(
        'DIPTYCH_CONFLICT',
        `run ${source.id} is ${source.status}; a run can only build on one that has succeeded`,
      );
    }
    if (kind === 'train' && source.setId !== set.id) {
      throw new DiptychError(
        'DIPTYCH_CONFLICT',
        `run ${source.id} is about another annotation set than "${annotationSet}"; name that one`,
      );
    }
    // Training reads the scores that are there.
    if (kind === 'train') {
      scoring = (source.settings as unknown as RunSettings).scoring;
      input.votes = source.voteRevision;
    }
    if (source.kind === 'import') imported = Object.keys(await scoreVersions(store, source.id, 'curated'));
  }
  checkReward(settings.reward.weights, imported ?? metricNames(scoring));
  if (imported) checkImportedReward(settings, metricNames(scoring));
  return { kind, setId: set.id, settings, stages: stages(input), priority };
}

/** What a label came with can't be measured in images that are drawn anew. */
function checkImportedReward({ reward, train }: RunSettings, measurable: readonly string[]): void {
  const label = Object.keys(reward.weights).find((name) => !measurable.includes(name));
  const draws = train.validation
    ? 'train.validation'
    : isOnPolicy(train.objective)
      ? 'train.objective'
      : null;
  if (label === undefined || draws === null) return;
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `settings.${draws} measures images that are drawn anew, but settings.reward.weights names "${label}", which came with the imported images and can't be measured`,
  );
}

/** `measured`: what the run's candidates have, or will have. `where` names the weights in messages. */
export function checkReward(
  weights: Record<string, number>,
  measured: readonly string[],
  where = 'settings.reward.weights',
): void {
  const unknown = Object.keys(weights).find((name) => !measured.includes(name));
  if (unknown !== undefined) {
    const hint = METRIC_NAMES.includes(unknown) ? '; settings.scoring can name a folder for it' : '';
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `${where} names "${unknown}"; measured are ${measured.join(', ')}${hint}`,
    );
  }
  if (!Object.values(weights).some((weight) => weight > 0)) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `${where} is ${JSON.stringify(weights)}, one must be above 0`,
    );
  }
}

/** An external trainer that the server does not know, and settings that it could not heed. */
async function checkTrainer({
  train: { external, lora, objective, validation },
}: RunSettings): Promise<void> {
  if (external === undefined) return;
  await readTrainer(places().trainers, external);
  if (isOnPolicy(objective)) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `settings.train.objective is "${objective}", which the built-in trainer alone has; "${external}" gets a folder of pairs`,
    );
  }
  const unheeded = lora ? 'lora' : validation ? 'validation' : null;
  if (unheeded) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `settings.train.${unheeded} is for the built-in trainer; what "${external}" trains is decided by its command`,
    );
  }
}

/** Settings that name servers of somebody else's. */
export function checkServers(kind: RunKind | 'import', { generator, scoring }: RunSettings): void {
  if (generator && kind !== 'curate') {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `settings.generator is for runs of kind "curate", not "${kind}": training and evaluation need the weights of settings.model`,
    );
  }
  if (generator) checkUrl('settings.generator.url', generator.url);
  if (scoring.endpoint) checkUrl('settings.scoring.endpoint.url', scoring.endpoint.url);
}

/** Settings are stored and shown: a URL that holds a secret is refused, and not repeated. */
function checkUrl(where: string, text: string): void {
  const url = URL.parse(text);
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `${where} is "${text}", must begin with http:// or https://`,
    );
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `${where} has a user, password or query; credentials belong in the environment of the service (docs/remote.md)`,
    );
  }
}

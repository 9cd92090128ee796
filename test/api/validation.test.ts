/** What can't be asked for, and that the answer quotes what was wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeldOut } from '../../pipelines/stages.ts';
import { metricNames } from '../../src/scoring/score.ts';
import { ensureSet, upsertAnnotations } from '../../src/store/annotations.ts';
import { newRun } from '../jobs/plans.ts';
import { scenes } from '../scenes.ts';
import { useApp } from './app.ts';

const { store, boss, send } = await useApp();
const set = await ensureSet(store, 'shapes');
await upsertAnnotations(store, set.id, scenes(3));
await ensureSet(store, 'empty');

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const source = await newRun(store, boss);
const elsewhere = await newRun(store, boss);
await store.run.update({ where: { id: elsewhere }, data: { status: 'succeeded' } });
const metrics = metricNames({}).join(', ');
/** Holds out some of the three, and not all. */
const FRACTION = 0.5;
const CURATED = scenes(3).filter(({ img_id }) => !isHeldOut(img_id, FRACTION)).length;

const SECRET =
  'has a user, password or query; credentials belong in the environment of the service (docs/remote.md)';

/** Settings of a curate run, each with the whole message. */
const settings: [what: string, settings: unknown, message: string][] = [
  ['an unknown setting', { seeds: 1 }, 'settings has "seeds", which is not a known property'],
  ['a nested unknown one', { train: { lr: 1 } }, 'settings.train has "lr", which is not a known property'],
  ['too few candidates', { candidates: 1 }, 'settings.candidates is 1, must be >= 2'],
  ['too large a fraction', { heldOutFraction: 1.5 }, 'settings.heldOutFraction is 1.5, must be <= 1'],
  ['a beta of 0', { train: { beta: 0 } }, 'settings.train.beta is 0, must be > 0'],
  ['a rank of 0', { train: { lora: { rank: 0 } } }, 'settings.train.lora.rank is 0, must be >= 1'],
  [
    'no annotation to measure on',
    { train: { validation: { annotations: 0 } } },
    'settings.train.validation.annotations is 0, must be >= 1',
  ],
  ['half a step', { train: { steps: 1.5 } }, 'settings.train.steps is 1.5, must be integer'],
  [
    'an unknown policy',
    { pairs: { policy: 'any' } },
    'settings.pairs.policy is "any", must be one of all, best-worst, best-rest',
  ],
  ['a negative weight', weights({ dpg: -1 }), 'settings.reward.weights.dpg is -1, must be >= 0'],
  ['no weight', weights({ dpg: 0 }), 'settings.reward.weights is {"dpg":0}, one must be above 0'],
  [
    'a metric that the run does not measure',
    weights({ aesthetic: 1 }),
    `settings.reward.weights names "aesthetic"; measured are ${metrics}; settings.scoring can name a folder for it`,
  ],
  [
    'an unknown metric',
    weights({ ugly: 1 }),
    `settings.reward.weights names "ugly"; measured are ${metrics}`,
  ],
  [
    'an image server without a URL',
    { generator: { api: 'automatic1111' } },
    "settings.generator must have required property 'url'",
  ],
  [
    'an unknown image server',
    server({ api: 'dall-e' }),
    'settings.generator.api is "dall-e", must be one of automatic1111, openai-images',
  ],
  [
    'a URL of a file',
    server({ url: 'file:///x' }),
    'settings.generator.url is "file:///x", must begin with http:// or https://',
  ],
  [
    'no URL at all',
    server({ url: 'localhost' }),
    'settings.generator.url is "localhost", must begin with http:// or https://',
  ],
  ['a secret in a URL', server({ url: 'http://ann:secret@host' }), `settings.generator.url ${SECRET}`],
  [
    'a side that no model makes',
    server({ width: 500 }),
    'settings.generator.width is 500, must be multiple of 8',
  ],
  [
    'a secret in the URL of a vision endpoint',
    { scoring: { endpoint: { url: 'http://host/v1?key=secret', model: 'm' } } },
    `settings.scoring.endpoint.url ${SECRET}`,
  ],
];

function server(given: Record<string, unknown>) {
  return { generator: { api: 'automatic1111', url: 'http://host', ...given } };
}

function weights(given: Record<string, number>) {
  return { reward: { weights: given } };
}

const run = (kind: string, annotationSet = 'shapes', given: unknown = {}) => ({
  kind,
  annotationSet,
  settings: given,
});
const refused: [what: string, body: unknown, status: number, message: string][] = [
  ...settings.map(
    ([what, given, message]) =>
      [what, run('curate', 'shapes', given), 400, message] as [string, unknown, 400, string],
  ),
  ['no kind', { annotationSet: 'shapes' }, 400, "body must have required property 'kind'"],
  [
    'an unknown kind',
    run('dance'),
    400,
    'kind is "dance", must be one of curate, train, curate-then-train, evaluate',
  ],
  [
    'an unknown property',
    { ...run('curate'), sets: 1 },
    400,
    'body has "sets", which is not a known property',
  ],
  ...['train', 'curate-then-train', 'evaluate'].map((kind): [string, unknown, number, string] => [
    `another server's images in a run of kind ${kind}`,
    run(kind, 'shapes', server({})),
    400,
    `settings.generator is for runs of kind "curate", not "${kind}": training and evaluation need the weights of settings.model`,
  ]),
  ['an unknown set', run('curate', 'none'), 404, 'there is no annotation set "none"'],
  [
    'a set without annotations',
    run('curate', 'empty'),
    400,
    'annotation set "empty" has 0 annotations, none of them left to curate with heldOutFraction 0.2',
  ],
  [
    'nothing held out to evaluate on',
    run('curate-then-train', 'shapes', { heldOutFraction: 0 }),
    400,
    'annotation set "shapes" has 3 annotations, none of them held out with heldOutFraction 0',
  ],
  [
    'a measurement of all that there is to train on',
    run('curate-then-train', 'shapes', {
      ...{ heldOutFraction: FRACTION, train: { validation: { annotations: CURATED } } },
    }),
    400,
    `settings.train.validation.annotations is ${CURATED}, but ${CURATED} annotations are curated; leave some to train on`,
  ],
  [
    'training without a source',
    run('train'),
    400,
    'a run of kind "train" needs settings.sourceRun: the run whose results it uses',
  ],
  ...[{}, { sourceRun: UNKNOWN, compare: { base: 'sample', tuned: '/t' } }].map(
    (given): [string, unknown, number, string] => [
      `an evaluation of ${'compare' in given ? 'two pairs of models' : 'no models'}`,
      run('evaluate', 'shapes', { heldOutFraction: 1, ...given }),
      400,
      'a run of kind "evaluate" needs settings.sourceRun, the run whose tuned model it uses, or settings.compare, two models; not both',
    ],
  ),
  [
    'two models to train',
    run('curate-then-train', 'shapes', { compare: { base: 'sample', tuned: '/t' } }),
    400,
    'settings.compare is for runs of kind "evaluate", not "curate-then-train"',
  ],
  [
    'half a comparison',
    run('evaluate', 'shapes', { compare: { base: 'sample' } }),
    400,
    "settings.compare must have required property 'tuned'",
  ],
  [
    'a source that is no id',
    run('train', 'shapes', { sourceRun: 'last' }),
    400,
    'settings.sourceRun is "last", must match format "uuid"',
  ],
  [
    'a source that is not there',
    run('train', 'shapes', { sourceRun: UNKNOWN }),
    404,
    `there is no run ${UNKNOWN}`,
  ],
  [
    'a source that has not succeeded',
    run('train', 'shapes', { sourceRun: source }),
    409,
    `run ${source} is running; a run can only build on one that has succeeded`,
  ],
  [
    'training on candidates of another set',
    run('train', 'shapes', { sourceRun: elsewhere }),
    409,
    `run ${elsewhere} is about another annotation set than "shapes"; name that one`,
  ],
];
for (const [what, body, status, message] of refused) {
  test(`${what} is answered with ${status} and the wrong value, and makes no run`, async () => {
    const before = await store.run.count();
    const answer = await send('POST', '/v1/runs', body);
    assert.equal(answer.status, status);
    const { error } = answer.body;
    assert.equal(error.message, message);
    const codes: Record<number, string> = { 400: 'INVALID_INPUT', 404: 'NOT_FOUND', 409: 'CONFLICT' };
    assert.equal(error.code, `DIPTYCH_${codes[status]}`);
    assert.equal(await store.run.count(), before);
  });
}

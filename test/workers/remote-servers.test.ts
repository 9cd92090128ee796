/** Run settings and environment to requests: credentials, limits, kept answers. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { withDefaults } from '../../pipelines/settings.ts';
import { remoteAnswerer, remoteGenerator } from '../../workers/remote-servers.ts';
import { automatic1111StandIn, visionStandIn } from '../remote/stand-ins.ts';
import { temporaryFolder } from '../temporary.ts';

const KEYS = [
  ...(['DIPTYCH_VISION_API_KEY', 'DIPTYCH_GENERATOR_API_KEY', 'DIPTYCH_GENERATOR_USER'] as const),
  ...(['DIPTYCH_VISION_URL', 'DIPTYCH_GENERATOR_URL'] as const),
];
afterEach(() => {
  for (const key of KEYS) delete process.env[key];
});

test('questions go to the endpoint with its key, once', async (t) => {
  const server = await visionStandIn(t, () => ({ text: 'Yes' }));
  process.env.DIPTYCH_VISION_API_KEY = 'sk-vision';
  process.env.DIPTYCH_VISION_URL = server.url;
  process.env.DIPTYCH_GENERATOR_API_KEY = 'sk-generator';
  const { endpoint } = withDefaults({
    scoring: { endpoint: { url: `${server.url}/v1`, model: 'seer' } },
  }).scoring;
  const folder = await temporaryFolder(t);
  const image = { width: 1, height: 1, data: new Uint8Array(3) };
  for (const _ of [1, 2]) {
    const answers = await remoteAnswerer(endpoint!, folder).answer(image, ['Is there a circle?']);
    assert.deepEqual(answers, [{ answer: 'yes', yes: 1 }]);
  }
  assert.deepEqual(
    server.received.map(({ headers }) => headers.authorization),
    ['Bearer sk-vision'],
  );
});

const credentials: [what: string, env: Partial<Record<(typeof KEYS)[number], string>>, header?: string][] = [
  ['a key', { DIPTYCH_GENERATOR_API_KEY: 'sk-1' }, 'Bearer sk-1'],
  ['a login', { DIPTYCH_GENERATOR_USER: 'ann:pw' }, `Basic ${Buffer.from('ann:pw').toString('base64')}`],
  ['both: the key', { DIPTYCH_GENERATOR_API_KEY: 'sk-1', DIPTYCH_GENERATOR_USER: 'ann:pw' }, 'Bearer sk-1'],
  ['neither', { DIPTYCH_GENERATOR_API_KEY: '', DIPTYCH_VISION_API_KEY: 'sk-vision' }, undefined],
];
for (const [what, env, header] of credentials) {
  test(`an image server gets what the environment holds: ${what}`, async (t) => {
    Object.assign(process.env, env);
    const server = await automatic1111StandIn(t);
    process.env.DIPTYCH_GENERATOR_URL = `${server.url}/whatever`;
    const { generator, sampling } = withDefaults({ generator: { api: 'automatic1111', url: server.url } });
    const [item] = await remoteGenerator(generator!, sampling).generate([{ prompt: 'x', seed: 1 }], {});
    assert.ok('image' in item!);
    assert.equal(server.received[0]!.headers.authorization, header);
  });
}

test('a key goes to the server that it was set for alone, whatever a run names', async (t) => {
  const [own, other] = [await automatic1111StandIn(t), await automatic1111StandIn(t)];
  process.env.DIPTYCH_GENERATOR_API_KEY = 'sk-1';
  const draw = async (url: string) => {
    const { generator, sampling } = withDefaults({ generator: { api: 'automatic1111', url } });
    await remoteGenerator(generator!, sampling).generate([{ prompt: 'x', seed: 1 }], {});
  };
  await assert.rejects(draw(own.url), {
    code: 'DIPTYCH_INVALID_INPUT',
    message: /DIPTYCH_GENERATOR_URL is ""/,
  });
  process.env.DIPTYCH_GENERATOR_URL = own.url;
  for (const server of [own, other]) await draw(server.url);
  // The same machine under another name is another server.
  await draw(own.url.replace('127.0.0.1', 'localhost'));
  const sent = [...own.received, ...other.received].map(({ headers }) => headers.authorization);
  assert.deepEqual(sent, ['Bearer sk-1', undefined, undefined]);
});

/** Images from AUTOMATIC1111 and from OpenAI's API: what is asked, what is taken, what fails. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import sharp from 'sharp';
import type { GeneratedImage, ImageGenerator } from '../../src/diffusion/image-generator.ts';
import { type Automatic1111Options, automatic1111 } from '../../src/remote/automatic1111.ts';
import type { RemoteGeneratorOptions } from '../../src/remote/one-by-one.ts';
import { openaiImages } from '../../src/remote/openai-images.ts';
import { until } from '../wait.ts';
import { testClock } from './clock.ts';
import { automatic1111StandIn, grey, openaiImagesStandIn, type StandIn } from './stand-ins.ts';

const COMMON = { width: 16, height: 8, concurrency: 2, timeoutMs: 10_000, tries: 3 };
const SAMPLING = { negativePrompt: 'blurry', sampler: 'DDIM', steps: 20, guidance: 7.5 };
const requests = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ prompt: `shape ${i}`, seed: i }));

/** The grey of each image, or why there is none. */
const told = (items: GeneratedImage[]) =>
  items.map((item) => ('image' in item ? item.image.data[0] : item.failed));

type Manners = Parameters<typeof automatic1111StandIn>[1] & { model?: string; auth?: { basic: string } };

async function webUi(t: TestContext, { model, auth, ...manners }: Manners = {}) {
  const server = await automatic1111StandIn(t, manners);
  const options: Automatic1111Options = {
    ...COMMON,
    ...SAMPLING,
    baseUrl: server.url,
    model,
    auth,
    clock: testClock(),
  };
  return { server, generator: automatic1111(options) };
}

type OpenAi = Parameters<typeof openaiImagesStandIn>[1] & Pick<RemoteGeneratorOptions, 'auth'>;

async function openAi(t: TestContext, { auth, ...manners }: OpenAi = {}) {
  const server = await openaiImagesStandIn(t, manners);
  const baseUrl = `${server.url}/v1/`;
  return {
    server,
    generator: openaiImages({ ...COMMON, baseUrl, model: 'painter', auth, clock: testClock() }),
  };
}

test('AUTOMATIC1111 is asked for one image with every setting', async (t) => {
  const { server, generator } = await webUi(t);
  assert.equal(generator.name, `automatic1111@${new URL(server.url).host}`);
  const [item] = await generator.generate([{ prompt: 'a red circle', seed: 4_294_967_295 }], {});
  assert.deepEqual('image' in item! && item.image, {
    width: 16,
    height: 8,
    data: new Uint8Array(3 * 16 * 8).fill(255),
  });
  assert.equal(server.received[0]!.headers.authorization, undefined);
  assert.deepEqual(server.received[0]!.body, {
    prompt: 'a red circle',
    negative_prompt: 'blurry',
    seed: 4_294_967_295,
    steps: 20,
    cfg_scale: 7.5,
    width: 16,
    height: 8,
    sampler_name: 'DDIM',
    batch_size: 1,
    n_iter: 1,
  });
});

test('AUTOMATIC1111 is told the checkpoint and the login', async (t) => {
  const login = 'ann:secret';
  const { server, generator } = await webUi(t, { login, auth: { basic: login }, model: 'sd15.safetensors' });
  assert.deepEqual(told(await generator.generate(requests(1), {})), [0]);
  assert.deepEqual(server.received[0]!.body.override_settings, { sd_model_checkpoint: 'sd15.safetensors' });
});

test('a wrong login fails the image and is not shown', async (t) => {
  const { generator } = await webUi(t, { login: 'ann:right', auth: { basic: 'ann:secret' } });
  const [reason] = told(await generator.generate(requests(1), {}));
  assert.match(String(reason), /status 401: .*Incorrect username.*check the credentials/);
  assert.ok(!String(reason).includes('secret'));
});

test('base64 may come as a data URL', async (t) => {
  const { generator } = await webUi(t, { dataPrefix: true });
  assert.deepEqual(told(await generator.generate(requests(2), {})), [0, 1]);
});

test('a seed other than the asked one fails the image: it could not be made again', async (t) => {
  const { generator } = await webUi(t, { seedUsed: (seed) => (seed === 1 ? 99 : seed) });
  const items = told(await generator.generate(requests(3), {}));
  assert.deepEqual([items[0], items[2]], [0, 2]);
  assert.match(String(items[1]), /used seed 99 when asked for 1;/);
});

for (const info of [undefined, '', 'no JSON', '{"steps":1}']) {
  test(`info that reads ${JSON.stringify(info)} tells no seed, and is taken`, async (t) => {
    const { server, generator } = await webUi(t);
    server.faults.push({ body: { images: [(await grey(3, 16, 8)).toString('base64')], info } });
    assert.deepEqual(told(await generator.generate(requests(1), {})), [3]);
  });
}

test('OpenAI is asked for one image in base64, with a seed for those that take one', async (t) => {
  const { server, generator } = await openAi(t, { auth: { bearer: 'sk-1' } });
  assert.equal(generator.name, `painter@${new URL(server.url).host}`);
  assert.deepEqual(told(await generator.generate([{ prompt: 'a red circle', seed: 7 }], {})), [7]);
  const [{ body, headers }] = server.received as [StandIn['received'][0]];
  assert.equal(headers.authorization, 'Bearer sk-1');
  assert.deepEqual(body, {
    model: 'painter',
    prompt: 'a red circle',
    n: 1,
    size: '16x8',
    response_format: 'b64_json',
    seed: 7,
  });
});

test('what an OpenAI model refuses by name is left out from then on', async (t) => {
  const { server, generator } = await openAi(t, { refuse: ['response_format', 'seed'] });
  await generator.generate(requests(1), {});
  assert.equal(server.received.length, 3);
  await generator.generate(requests(2), {});
  assert.equal(server.received.length, 5);
  assert.deepEqual(Object.keys(server.received[4]!.body), ['model', 'prompt', 'n', 'size']);
});

test('a refusal that only happens to name a field changes nothing for other images', async (t) => {
  const { server, generator } = await openAi(t);
  const refused = { status: 400, body: 'no "bowl of seeds" here' };
  server.faults.push(refused, refused);
  assert.match(String(told(await generator.generate(requests(1), {}))[0]), /status 400: .*bowl of seeds/);
  await generator.generate(requests(1), {});
  assert.deepEqual(
    server.received.map(({ body }) => 'seed' in body),
    [true, false, true],
  );
});

test('an image behind a URL is fetched without the key, and again when that breaks off', async (t) => {
  const { server, generator } = await openAi(t, { base64: false, auth: { bearer: 'sk-1' } });
  assert.deepEqual(told(await generator.generate(requests(1), {})), [0]);
  server.faults.push({ body: { data: [{ url: `${server.url}/made/9/16x8` }] } }, 'cut off');
  assert.deepEqual(told(await generator.generate(requests(1), {})), [9]);
  const paths = server.received.slice(1).map(({ path, headers }) => [path, headers.authorization]);
  assert.deepEqual(paths, [
    ['/made/0/16x8', undefined],
    ['/v1/images/generations', 'Bearer sk-1'],
    ['/made/9/16x8', undefined],
    ['/made/9/16x8', undefined],
  ]);
});

for (const url of ['file:///etc/passwd', 'data:image/png;base64,AAAA', '/relative']) {
  test(`an image behind ${url} is not fetched`, async (t) => {
    const { server, generator } = await openAi(t);
    server.faults.push({ body: { data: [{ url }] } });
    assert.match(String(told(await generator.generate(requests(1), {}))[0]), /answer has no image/);
  });
}

interface Kind {
  name: string;
  start(t: TestContext): Promise<{ server: StandIn; generator: ImageGenerator }>;
  /** An answer of this server's shape with these bytes for an image. */
  holding(bytes: Buffer): unknown;
  empty: unknown;
}
const KINDS: Kind[] = [
  {
    name: 'automatic1111',
    start: webUi,
    holding: (bytes) => ({ images: [bytes.toString('base64')], info: '' }),
    empty: { images: [], info: '' },
  },
  {
    name: 'openai-images',
    start: openAi,
    holding: (bytes) => ({ data: [{ b64_json: bytes.toString('base64') }] }),
    empty: { data: [] },
  },
];
const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#000000' } });

for (const { name, start, holding, empty } of KINDS) {
  test(`${name}: JPEG and WebP are taken as well`, async (t) => {
    const { server, generator } = await start(t);
    server.faults.push(
      { body: holding(await plain(16, 8).jpeg().toBuffer()) },
      { body: holding(await plain(16, 8).webp().toBuffer()) },
    );
    assert.deepEqual(told(await generator.generate(requests(2), {})), [0, 0]);
  });

  const bad: [what: string, body: () => Promise<unknown>, reason: RegExp][] = [
    [
      'another size',
      async () => holding(await grey(1, 8, 16)),
      /image of 8 x 16 pixels when asked for 16 x 8/,
    ],
    [
      'a format that is not taken',
      async () => holding(await plain(16, 8).gif().toBuffer()),
      /not a PNG, JPEG or WebP/,
    ],
    ['half an image', async () => holding((await grey(1, 16, 8)).subarray(0, 60)), /not a PNG, JPEG or WebP/],
    ['no image', async () => empty, /the server's answer has no image: \{/],
    ['another shape of answer', async () => ['?'], /the server's answer has no image: \["\?"\]/],
    [
      'more pixels than are ever decoded',
      async () => holding(await plain(4097, 4096).png().toBuffer()),
      /not a PNG, JPEG or WebP that can be decoded/,
    ],
  ];
  for (const [what, body, reason] of bad) {
    test(`${name}: ${what} fails its image alone, without another try`, async (t) => {
      const { server, generator } = await start(t);
      server.faults.push({ body: await body() });
      const items = told(await generator.generate(requests(3), {}));
      assert.match(String(items.find((item) => typeof item === 'string')), reason);
      assert.equal(items.filter((item) => typeof item === 'number').length, 2);
      assert.equal(server.received.length, 3);
    });
  }

  test(`${name}: passing faults are tried again, lasting ones fail their image alone`, async (t) => {
    const { server, generator } = await start(t);
    server.faults.push('cut off', { status: 429, body: 'slow down' });
    const shares: number[] = [];
    const onProgress = (share: number) => shares.push(share);
    assert.deepEqual(told(await generator.generate(requests(4), { onProgress })), [0, 1, 2, 3]);
    assert.equal(server.received.length, 6);
    assert.deepEqual(shares, [0.25, 0.5, 0.75, 1]);
    server.faults.push({ status: 400, body: 'not this prompt' });
    const items = told(await generator.generate(requests(2), {}));
    assert.equal(items.filter((item) => String(item).includes('status 400: "not this prompt"')).length, 1);
    assert.equal(items.filter((item) => typeof item === 'number').length, 1);
  });

  test(`${name}: the limit is used and kept`, async (t) => {
    const { server, generator } = await start(t);
    const release = server.hold();
    const all = generator.generate(requests(8), {});
    await until('two are on their way', () => server.inFlight === 2);
    release();
    assert.equal((await all).length, 8);
    assert.equal(server.mostAtOnce, 2);
  });

  test(`${name}: giving up ends the batch with the given reason`, async (t) => {
    const { server, generator } = await start(t);
    server.faults.push('silence', 'silence');
    const stop = new AbortController();
    const all = generator.generate(requests(20), { signal: stop.signal });
    await until('two are on their way', () => server.inFlight === 2);
    const reason = new Error('enough');
    stop.abort(reason);
    await assert.rejects(all, (thrown) => thrown === reason);
    assert.equal(server.received.length, 2);
  });
}

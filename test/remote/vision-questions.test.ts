/** Questions to a vision endpoint: what is sent, how answers are read, what is kept, what fails. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { RgbImage } from '../../src/engine/image.ts';
import { decodeImage } from '../../src/engine/png.ts';
import { folderAnswerCache } from '../../src/remote/answer-cache.ts';
import { type VisionOptions, visionAnswerer } from '../../src/remote/vision-questions.ts';
import { temporaryFolder } from '../temporary.ts';
import { until } from '../wait.ts';
import { testClock } from './clock.ts';
import { type Said, visionStandIn } from './stand-ins.ts';

const picture = (value: number): RgbImage => ({ width: 4, height: 2, data: new Uint8Array(24).fill(value) });
const CIRCLE = 'Is there a circle?';
const SQUARE = 'Is there a square?';

async function setUp(
  t: TestContext,
  say: (question: string) => Said,
  given: Partial<VisionOptions> & { refuse?: string[] } = {},
) {
  const server = await visionStandIn(t, say, given);
  const folder = await temporaryFolder(t);
  const options: VisionOptions = {
    baseUrl: `${server.url}/v1`,
    model: 'seer',
    concurrency: 4,
    timeoutMs: 10_000,
    tries: 3,
    cache: folderAnswerCache(folder),
    clock: testClock(),
    ...given,
  };
  return { server, folder, options, answerer: visionAnswerer(options) };
}

test('one request per question, each with the image and the key, deterministic and short', async (t) => {
  const say = (question: string): Said => ({ text: question === CIRCLE ? 'Yes' : 'No.' });
  const { server, answerer } = await setUp(t, say, { apiKey: 'sk-1' });
  assert.equal(answerer.name, `seer@${new URL(server.url).host}`);
  const image = picture(7);
  assert.deepEqual(await answerer.answer(image, [SQUARE, CIRCLE]), [
    { answer: 'no', yes: 0 },
    { answer: 'yes', yes: 1 },
  ]);
  assert.deepEqual(server.asked.map(({ question }) => question).sort(), [CIRCLE, SQUARE]);
  for (const { headers, body } of server.received) {
    assert.equal(headers.authorization, 'Bearer sk-1');
    const { model, temperature, max_tokens, logprobs, top_logprobs } = body;
    assert.deepEqual([model, temperature, max_tokens, logprobs, top_logprobs], ['seer', 0, 8, true, 5]);
  }
  const [, png] = server.asked[0]!.image.split('data:image/png;base64,');
  assert.deepEqual(await decodeImage(Buffer.from(png!, 'base64')), image);
});

const read: [what: string, said: Said, yes: number][] = [
  ['yes in lower case with a reason', { text: 'yes, a red one' }, 1],
  ['NO in quotes', { text: '"NO"' }, 0],
  [
    'both words in all spellings',
    {
      text: 'Yes',
      tokens: [{ token: 'Yes', likely: { Yes: 0.5, ' yes': 0.1, No: 0.15, NO: 0.05, Maybe: 0.2 } }],
    },
    0.6 / 0.8,
  ],
  [
    'the likelier sum, not the likeliest token',
    { text: 'Yes', tokens: [{ token: 'Yes', likely: { Yes: 0.4, No: 0.3, no: 0.3 } }] },
    0.4,
  ],
  [
    'the first token that is a word',
    {
      text: '\n"No"',
      tokens: [
        { token: '\n', likely: { '\n': 0.9, Yes: 0.1 } },
        { token: '"', likely: { '"': 0.9, Yes: 0.1 } },
        { token: 'No', likely: { No: 0.6, Yes: 0.2 } },
      ],
    },
    0.25,
  ],
  ['one word alone', { text: 'No', tokens: [{ token: 'No', likely: { No: 0.9, N: 0.05 } }] }, 0],
  ['neither word among the likely: the text', { text: 'Yes', tokens: [{ token: 'Y', likely: { Y: 1 } }] }, 1],
];
for (const [what, said, yes] of read) {
  test(`probability: ${what}`, async (t) => {
    const { answerer } = await setUp(t, () => said);
    const [answer] = await answerer.answer(picture(1), [CIRCLE]);
    assert.ok(Math.abs(answer!.yes - yes) < 1e-12, `${answer!.yes} is not ${yes}`);
    assert.equal(answer!.answer, yes > 0.5 ? 'yes' : 'no');
  });
}

for (const logprobs of [
  { tokens: ['No'], token_logprobs: [-0.1] },
  { content: null },
  { content: [{ token: 'No', logprob: -0.1 }] },
]) {
  test(`probabilities like ${JSON.stringify(logprobs)} are passed over`, async (t) => {
    const { server, answerer } = await setUp(t, () => ({ text: 'Yes' }));
    server.faults.push({ body: { choices: [{ message: { content: 'No' }, logprobs }] } });
    assert.deepEqual(await answerer.answer(picture(1), [CIRCLE]), [{ answer: 'no', yes: 0 }]);
  });
}

const neither: [what: string, said: Said, quoted: string][] = [
  ['a refusal in the text', { text: "I'm sorry, I can't help with that." }, "I'm sorry, I can't help"],
  ['a refusal beside it', { text: null, refusal: 'Not this one.' }, 'Not this one.'],
  ['nothing', { text: '' }, ''],
  ['a word that only begins alike', { text: 'Nobody knows' }, 'Nobody knows'],
];
for (const [what, said, quoted] of neither) {
  test(`${what} fails the image with the text, is not tried again and not kept`, async (t) => {
    const { server, folder, answerer } = await setUp(t, () => said);
    await assert.rejects(answerer.answer(picture(1), [CIRCLE]), (error: Error & { code: string }) => {
      assert.equal(error.code, 'DIPTYCH_ITEM_FAILED');
      assert.ok(error.message.includes(`answered "${quoted}`), error.message);
      assert.ok(error.message.includes(`to "${CIRCLE}"`), error.message);
      return true;
    });
    assert.equal(server.received.length, 1);
    assert.deepEqual(await readdir(folder), []);
  });
}

for (const body of [
  null,
  [],
  {},
  { choices: [] },
  { choices: [{ message: { content: 1 } }] },
  { choices: 'x' },
]) {
  test(`an answer like ${JSON.stringify(body)} fails the image and is quoted`, async (t) => {
    const { server, answerer } = await setUp(t, () => ({ text: 'Yes' }));
    server.faults.push({ body });
    await assert.rejects(answerer.answer(picture(1), [CIRCLE]), (error: Error) =>
      error.message.includes(JSON.stringify(JSON.stringify(body))),
    );
  });
}

test('fields that the server refuses by name are left out from then on', async (t) => {
  const refuse = ['logprobs', 'max_tokens'];
  const { server, answerer } = await setUp(t, () => ({ text: 'Yes' }), { refuse });
  await answerer.answer(picture(1), [CIRCLE]);
  assert.equal(server.received.length, 3);
  await answerer.answer(picture(2), [CIRCLE]);
  assert.equal(server.received.length, 4);
  const { model, messages, ...rest } = server.received[3]!.body;
  assert.deepEqual(rest, { temperature: 0 });
});

test('a refusal may name a field in its own spelling, with 403', async (t) => {
  const { server, answerer } = await setUp(t, () => ({ text: 'Yes' }));
  server.faults.push({ status: 403, body: 'Logprobs is not enabled for models/seer' });
  assert.deepEqual(await answerer.answer(picture(1), [CIRCLE]), [{ answer: 'yes', yes: 1 }]);
  assert.ok(!('top_logprobs' in server.received[1]!.body));
});

test('a refusal of something else is final', async (t) => {
  const { server, answerer } = await setUp(t, () => ({ text: 'Yes' }), { refuse: ['model'] });
  await assert.rejects(answerer.answer(picture(1), [CIRCLE]), /status 400: .*Unknown parameter: 'model'/);
  assert.equal(server.received.length, 1);
});

test('a kept answer is not asked for again, by nobody', async (t) => {
  const { server, options, answerer } = await setUp(t, () => ({ text: 'Yes' }));
  const answers = await answerer.answer(picture(1), [CIRCLE, SQUARE, CIRCLE]);
  assert.equal(server.received.length, 2);
  assert.deepEqual(await visionAnswerer(options).answer(picture(1), [CIRCLE, SQUARE, CIRCLE]), answers);
  assert.equal(server.received.length, 2);
});

const different: [what: string, change: (options: VisionOptions) => Partial<VisionOptions>][] = [
  ['another model', () => ({ model: 'other' })],
  ['another base URL', ({ baseUrl }) => ({ baseUrl: `${baseUrl}/` })],
];
for (const [what, change] of different) {
  test(`${what} is asked anew`, async (t) => {
    const { server, options, answerer } = await setUp(t, () => ({ text: 'Yes' }));
    await answerer.answer(picture(1), [CIRCLE]);
    await visionAnswerer({ ...options, ...change(options) }).answer(picture(1), [CIRCLE]);
    assert.equal(server.received.length, 2);
  });
}

test('another image of the same bytes but another shape is asked anew', async (t) => {
  const { server, answerer } = await setUp(t, () => ({ text: 'Yes' }));
  await answerer.answer(picture(1), [CIRCLE]);
  await answerer.answer({ ...picture(1), width: 2, height: 4 }, [CIRCLE]);
  assert.equal(server.received.length, 2);
});

for (const content of ['', '{"answer":"yes"', '{"answer":"maybe","yes":1}', '{"answer":"yes","yes":1.5}']) {
  test(`a kept answer that reads ${JSON.stringify(content)} counts as absent and is replaced`, async (t) => {
    const { server, folder, options, answerer } = await setUp(t, () => ({ text: 'Yes' }));
    await answerer.answer(picture(1), [CIRCLE]);
    const [file] = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json'));
    await writeFile(path.join(folder, file!), content);
    for (const _ of [1, 2]) {
      assert.deepEqual(await visionAnswerer(options).answer(picture(1), [CIRCLE]), [
        { answer: 'yes', yes: 1 },
      ]);
    }
    assert.equal(server.received.length, 2);
  });
}

test('questions of all images share the limit and use it', async (t) => {
  const { server, answerer } = await setUp(t, () => ({ text: 'Yes' }), { concurrency: 3 });
  const questions = Array.from({ length: 6 }, (_, i) => `Is there a shape ${i}?`);
  const release = server.hold();
  const all = Promise.all([1, 2, 3].map((value) => answerer.answer(picture(value), questions)));
  await until('three are on their way', () => server.inFlight === 3);
  release();
  assert.deepEqual(
    (await all).map((answers) => answers.length),
    [6, 6, 6],
  );
  assert.equal(server.received.length, 18);
  assert.equal(server.mostAtOnce, 3);
});

test('a question that fails ends its own image and no other', async (t) => {
  const say = (question: string): Said => ({ text: question === SQUARE ? 'Who can say?' : 'Yes' });
  const { server, answerer } = await setUp(t, say, { concurrency: 1 });
  const bad = answerer.answer(picture(1), [SQUARE, CIRCLE, 'Is there a cross?']);
  const good = answerer.answer(picture(2), [CIRCLE]);
  await assert.rejects(bad, { code: 'DIPTYCH_ITEM_FAILED' });
  assert.deepEqual(await good, [{ answer: 'yes', yes: 1 }]);
  const asked = server.asked.map(({ question }) => question);
  assert.ok(!asked.includes('Is there a cross?'), 'the failed image was asked about to the end');
});

test('a busy server is tried again, and a key never comes out when that is in vain', async (t) => {
  const { server, answerer } = await setUp(t, () => ({ text: 'Yes' }), { apiKey: 'sk-secret' });
  const busy = { status: 500, body: 'Bearer sk-secret is busy' };
  server.faults.push(busy, 'cut off');
  await answerer.answer(picture(1), [CIRCLE]);
  assert.equal(server.received.length, 3);
  server.faults.push(busy, busy, busy);
  await assert.rejects(answerer.answer(picture(2), [CIRCLE]), (error: Error) => {
    assert.match(error.message, /failed 3 times, at last with status 500: "Bearer \*\*\* is busy"/);
    return true;
  });
});

test('an answer of more than a megabyte fails the image', async (t) => {
  const { server, answerer } = await setUp(t, () => ({ text: `Yes${'.'.repeat(1024 * 1024)}` }));
  await assert.rejects(answerer.answer(picture(1), [CIRCLE]), /an answer of more than 1048576 bytes/);
  assert.equal(server.received.length, 1);
});

test('giving up ends all questions with the given reason', async (t) => {
  const stop = new AbortController();
  const { server, answerer } = await setUp(t, () => ({ text: 'Yes' }), {
    concurrency: 1,
    signal: stop.signal,
  });
  server.faults.push('silence');
  const answers = answerer.answer(picture(1), [CIRCLE, SQUARE]);
  await until('the first is asked', () => server.received.length === 1);
  const reason = new Error('enough');
  stop.abort(reason);
  await assert.rejects(answers, (thrown) => thrown === reason);
  assert.equal(server.received.length, 1);
});

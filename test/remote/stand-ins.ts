/** Servers on the loopback that speak as the real ones do, check what they are asked, and fail when told to. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodePng } from '../../src/engine/png.ts';

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  /** Sent as it is when it is text or bytes, as JSON otherwise. */
  body: unknown;
}

/** Instead of an answer: another one, one that breaks off in the middle, or none at all. */
export type Fault = Reply | 'cut off' | 'silence';

export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

export interface StandIn {
  url: string;
  received: Received[];
  /** For the next requests, one each. */
  faults: Fault[];
  inFlight: number;
  mostAtOnce: number;
  /** Keeps all answers back until the returned function is called. */
  hold(): () => void;
}

interface Test {
  after(clean: () => Promise<void>): void;
}

export async function standIn(
  t: Test,
  answer: (request: Received) => Reply | Promise<Reply>,
): Promise<StandIn> {
  let held: Promise<void> = Promise.resolve();
  const server = createServer((request, response) => void serve(request, response));
  const state: StandIn = {
    url: '',
    received: [],
    faults: [],
    inFlight: 0,
    mostAtOnce: 0,
    hold() {
      const gate = Promise.withResolvers<void>();
      held = gate.promise;
      return gate.resolve;
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    state.mostAtOnce = Math.max(state.mostAtOnce, ++state.inFlight);
    response.on('close', () => state.inFlight--);
    const text = (await request.toArray()).join('');
    const received: Received = {
      method: request.method!,
      path: request.url!,
      headers: request.headers,
      body: text === '' ? {} : JSON.parse(text),
    };
    state.received.push(received);
    const fault = state.faults.shift();
    if (fault === 'silence') return;
    if (fault === 'cut off') {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('{"cut":', () => response.destroy());
      return;
    }
    await held;
    const { status = 200, headers, body } = fault ?? (await answer(received));
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    response.writeHead(status, headers).end(raw ? body : JSON.stringify(body));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return state;
}

const notFound = ({ path }: Received): Reply => ({ status: 404, body: { detail: `no ${path}` } });

/** As OpenAI words it. */
const unknownField = (name: string): Reply => ({
  status: 400,
  body: { error: { message: `Unknown parameter: '${name}'.`, type: 'invalid_request_error', param: name } },
});

/** The first of these fields that the request has is refused. */
const firstRefused = (refuse: readonly string[], body: Record<string, unknown>) =>
  refuse.find((name) => name in body);

export interface VisionStandIn extends StandIn {
  /** Questions with the images' data URLs, in the order in which they came. */
  asked: { question: string; image: string }[];
}

/** What the model says to a question: text, and the likely tokens of its first place where the server tells them. */
export interface Said {
  text: string | null;
  refusal?: string;
  /** By position: the token that was chosen, and the likely ones with their probabilities. */
  tokens?: { token: string; likely: Record<string, number> }[];
}

/** POST /v1/chat/completions with one image and one question. */
export async function visionStandIn(
  t: Test,
  say: (question: string) => Said,
  { refuse = [] }: { refuse?: readonly string[] } = {},
): Promise<VisionStandIn> {
  const asked: VisionStandIn['asked'] = [];
  const server = await standIn(t, (request) => {
    if (request.method !== 'POST' || request.path !== '/v1/chat/completions') return notFound(request);
    const { body } = request;
    const refused = firstRefused(refuse, body);
    if (refused) return unknownField(refused);
    if (body.top_logprobs !== undefined && body.logprobs !== true) return unknownField('top_logprobs');
    const [message] = body.messages as { role: string; content: Content[] }[];
    const image = message!.content.find(({ type }) => type === 'image_url')!.image_url!.url;
    const text = message!.content.find(({ type }) => type === 'text')!.text!;
    const question = text.slice(0, text.lastIndexOf('?') + 1);
    asked.push({ question, image });
    const { text: content, refusal = null, tokens } = say(question);
    return {
      body: {
        id: 'chatcmpl-1',
        object: 'chat.completion',
        model: body.model,
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content, refusal },
            logprobs: body.logprobs && tokens ? { content: tokens.map(tokenEntry), refusal: null } : null,
            finish_reason: 'stop',
          },
        ],
        usage: { prompt_tokens: 100, completion_tokens: 1, total_tokens: 101 },
      },
    };
  });
  return Object.assign(server, { asked });
}

interface Content {
  type: string;
  text?: string;
  image_url?: { url: string };
}

function tokenEntry({ token, likely }: NonNullable<Said['tokens']>[number]) {
  const top_logprobs = Object.entries(likely).map(([text, probability]) => ({
    token: text,
    logprob: Math.log(probability),
    bytes: [...Buffer.from(text)],
  }));
  return { token, logprob: Math.log(likely[token] ?? 1e-9), bytes: [...Buffer.from(token)], top_logprobs };
}

/** A picture of one grey that tells its seed's last byte. */
export async function grey(seed: number, width: number, height: number): Promise<Buffer> {
  return encodePng({ width, height, data: new Uint8Array(3 * width * height).fill(seed % 256) });
}

const TXT2IMG = [
  ['prompt', 'string'],
  ['negative_prompt', 'string'],
  ['seed', 'number'],
  ['steps', 'number'],
  ['cfg_scale', 'number'],
  ['width', 'number'],
  ['height', 'number'],
  ['sampler_name', 'string'],
  ['batch_size', 'number'],
  ['n_iter', 'number'],
] as const;

/** POST /sdapi/v1/txt2img; `login` is "user:password" of --api-auth. */
export async function automatic1111StandIn(
  t: Test,
  { login, dataPrefix = false, seedUsed = (seed: number) => seed }: Automatic1111Manners = {},
): Promise<StandIn> {
  return standIn(t, async (request) => {
    if (request.method !== 'POST' || request.path !== '/sdapi/v1/txt2img') return notFound(request);
    const expected = login && `Basic ${Buffer.from(login).toString('base64')}`;
    if (expected && request.headers.authorization !== expected) {
      return { status: 401, body: { detail: 'Incorrect username or password' } };
    }
    const { body } = request;
    const wrong = TXT2IMG.find(([name, type]) => typeof body[name] !== type)?.[0];
    if (wrong) return { status: 422, body: { detail: [{ loc: ['body', wrong], msg: 'wrong type' }] } };
    const [seed, width, height] = [Number(body.seed), Number(body.width), Number(body.height)];
    const image = (await grey(seed, width, height)).toString('base64');
    return {
      body: {
        images: [dataPrefix ? `data:image/png;base64,${image}` : image],
        parameters: body,
        info: JSON.stringify({ prompt: body.prompt, seed: seedUsed(seed), all_seeds: [seedUsed(seed)] }),
      },
    };
  });
}

interface Automatic1111Manners {
  login?: string;
  dataPrefix?: boolean;
  seedUsed?(seed: number): number;
}

/** POST /v1/images/generations; an answer without b64_json points to /made/SEED/WIDTHxHEIGHT here. */
export async function openaiImagesStandIn(
  t: Test,
  { refuse = [], base64 = true }: { refuse?: readonly string[]; base64?: boolean } = {},
): Promise<StandIn> {
  const server = await standIn(t, async (request) => {
    if (request.method === 'GET' && request.path.startsWith('/made/')) {
      const [seed, size] = request.path.slice('/made/'.length).split('/');
      const [width, height] = size!.split('x').map(Number);
      return { body: await grey(Number(seed), width!, height!) };
    }
    if (request.method !== 'POST' || request.path !== '/v1/images/generations') return notFound(request);
    const { body } = request;
    const refused = firstRefused(refuse, body);
    if (refused) return unknownField(refused);
    const size = /^(\d+)x(\d+)$/.exec(String(body.size));
    if (!size || body.n !== 1 || typeof body.prompt !== 'string') return unknownField('size');
    const seed = Number(body.seed ?? 0);
    const png = await grey(seed, Number(size[1]), Number(size[2]));
    const item = base64
      ? { b64_json: png.toString('base64') }
      : { url: `${server.url}/made/${seed}/${body.size}` };
    return { body: { created: 1_700_000_000, data: [item] } };
  });
  return server;
}

/**
 * Requests to servers that are slow, busy or broken at times: bounded tries with exponential backoff and full
 * jitter, bounded answers, bounded concurrency, and one kind of failure at the end.
 */
import { setTimeout as wait } from 'node:timers/promises';
import PQueue from 'p-queue';
import { DiptychError } from '../errors.ts';
import { attempt, type Limits, type RemoteRequest, type Setback } from './attempt.ts';
import { publicOnly } from './public-only.ts';

export type Auth = { bearer: string } | { /** "user:password" */ basic: string };

/** Time and chance, replaceable in tests. */
export interface Clock {
  now(): number;
  random(): number;
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface HttpOptions extends Limits {
  /** Requests at once; one that waits for its next try counts. */
  concurrency: number;
  tries: number;
  auth?: Auth;
  /** Origin whose addresses `getBytes` may fetch although they are private. */
  own?: string;
  clock?: Clock;
}

/** Both throw RemoteFailure when the last try failed or another can't help, and `signal`'s reason once it fires. */
export interface Http {
  /** The parsed answer. */
  postJson(url: string, body: unknown, signal?: AbortSignal): Promise<unknown>;
  /** Sends no credentials, and to public addresses alone: the URL comes from an answer and may lead anywhere. */
  getBytes(url: string, signal?: AbortSignal): Promise<Buffer>;
}

/** A request that failed for good. Its message and `answer` are free of credentials. */
export class RemoteFailure extends DiptychError {
  /** Status of the last answer; undefined when none came. */
  readonly answerStatus: number | undefined;
  /** The beginning of the last answer. */
  readonly answer: string;

  constructor(message: string, answerStatus: number | undefined, answer: string) {
    super('DIPTYCH_ITEM_FAILED', message);
    this.answerStatus = answerStatus;
    this.answer = answer;
  }
}

const BACKOFF_MS = 1000;
const LONGEST_BACKOFF_MS = 60_000;
/** A server that asks to be left alone for longer is given up. */
const LONGEST_WAIT_MS = 300_000;
const QUOTED = 200;
const KEPT = 4000;

const realClock: Clock = {
  now: Date.now,
  random: Math.random,
  wait: (ms, signal) => wait(ms, undefined, { signal }),
};

export function openHttp({ concurrency, tries, auth, own, clock = realClock, ...limits }: HttpOptions): Http {
  const queue = new PQueue({ concurrency });
  const guard = publicOnly(own);
  const { header, secrets } = credentials(auth);
  const hide = (text: string) => secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text);

  async function send<T>(
    request: RemoteRequest,
    parse: (bytes: Buffer) => T,
    signal?: AbortSignal,
  ): Promise<T> {
    for (let tried = 1; ; tried++) {
      const outcome = await attempt(request, limits, parse, clock.now, signal);
      if ('value' in outcome) return outcome.value;
      const waitMs = Math.max(outcome.waitMs ?? 0, backoff(tried, clock.random()));
      if (!outcome.mayPass || tried >= tries || waitMs > LONGEST_WAIT_MS) {
        throw failure(request, outcome, tried, hide);
      }
      await clock.wait(waitMs, signal);
    }
  }

  async function queued<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await queue.add(task, { signal });
    } catch (thrown) {
      signal?.throwIfAborted();
      throw thrown;
    }
  }

  return {
    postJson(url, body, signal) {
      const headers = { 'content-type': 'application/json', accept: 'application/json', ...header };
      // Written out when its turn comes: many wait, and each may hold an image.
      const request = (): RemoteRequest => ({ method: 'POST', url, headers, body: JSON.stringify(body) });
      return queued(() => send<unknown>(request(), (bytes) => JSON.parse(bytes.toString()), signal), signal);
    },
    getBytes(url, signal) {
      const request: RemoteRequest = { method: 'GET', url, headers: {}, dispatcher: guard };
      return queued(() => send(request, (bytes) => bytes, signal), signal);
    },
  };
}

/** Full jitter: anywhere between now and the exponential bound. */
function backoff(tried: number, random: number): number {
  return random * Math.min(LONGEST_BACKOFF_MS, BACKOFF_MS * 2 ** (tried - 1));
}

/** The header that carries them, and every form in which an answer could repeat them. */
function credentials(auth?: Auth): { header: Record<string, string>; secrets: string[] } {
  if (!auth) return { header: {}, secrets: [] };
  // Without the line end that a variable read from a file may have: fetch drops it too.
  const plain = ('bearer' in auth ? auth.bearer : auth.basic).trim();
  const encoded = Buffer.from(plain).toString('base64');
  const authorization = 'bearer' in auth ? `Bearer ${plain}` : `Basic ${encoded}`;
  const forms = 'bearer' in auth ? [plain] : [encoded, plain, plain.slice(plain.indexOf(':') + 1)];
  const secrets = forms.flatMap((form) => [form, JSON.stringify(form).slice(1, -1)]);
  return { header: { authorization }, secrets: secrets.filter((secret) => secret !== '') };
}

function failure(
  { method, url }: RemoteRequest,
  { reason, status, answer: whole, waitMs }: Setback,
  tried: number,
  hide: (text: string) => string,
): RemoteFailure {
  const answer = hide(whole).slice(0, KEPT);
  const quoted = answer.trim().slice(0, QUOTED);
  const what = [
    `${method} ${shownUrl(url)} failed`,
    tried > 1 ? ` ${tried} times, at last with ` : ' with ',
    hide(reason),
    waitMs ? `, asking for ${waitMs / 1000} s of rest` : '',
    quoted ? `: ${JSON.stringify(quoted)}` : '',
  ].join('');
  return new RemoteFailure(`${what}; ${advice(status)}`, status, answer);
}

/** Without user, password and query, where keys stand. */
function shownUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function advice(status: number | undefined): string {
  if (status === undefined) return 'see whether the server runs and is fast enough for the timeout';
  if (status === 401 || status === 403) return "check the credentials in the workers' environment";
  if (status === 404) return 'check the URL, and the names of models and samplers';
  if (status === 429) return 'lower the concurrency, or see what the account may still use';
  if (status >= 500) return "see the server's log";
  return "check the run's settings against what this server takes";
}

/** The address of an endpoint below a base URL, which may end with a slash. */
export function below(baseUrl: string, path: string): string {
  return `${baseUrl.replace(/\/+$/, '')}${path}`;
}

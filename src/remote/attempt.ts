/** One try of a request: its answer, or what went wrong and whether another try may help. */
import { type Dispatcher, fetch, type Response } from 'undici';
import { asError, DiptychError } from '../errors.ts';

export interface RemoteRequest {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** Absent: any connection will do. */
  dispatcher?: Dispatcher;
}

export interface Limits {
  /** From the request to the last byte of the answer. */
  timeoutMs: number;
  /** Of the answer, unpacked. */
  maxBytes: number;
}

export interface Setback {
  reason: string;
  /** Of the answer; absent when none came. */
  status?: number;
  /** Text of the answer. */
  answer: string;
  mayPass: boolean;
  /** How long the server asks to be left alone. */
  waitMs?: number;
}

/** Besides 5xx: timeout, too early, too many requests. */
const PASSING = new Set([408, 425, 429]);

/**
 * `parse` throws for a body that is not what it should be, which happens to answers that are cut off. Rejects never:
 * whoever gives up through `signal` gets a setback as well.
 */
export async function attempt<T>(
  { method, url, headers, body, dispatcher }: RemoteRequest,
  { timeoutMs, maxBytes }: Limits,
  parse: (bytes: Buffer) => T,
  now: () => number,
  signal?: AbortSignal,
): Promise<{ value: T } | Setback> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method,
      headers,
      body,
      dispatcher,
      // A moved POST would be sent again as a GET.
      redirect: method === 'POST' ? 'manual' : 'follow',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const { status } = response;
    const bytes = await readAtMost(response, maxBytes);
    if (bytes === null) {
      return { reason: `an answer of more than ${maxBytes} bytes`, status, answer: '', mayPass: false };
    }
    if (!response.ok) {
      const mayPass = status >= 500 || PASSING.has(status);
      const waitMs = retryAfter(response.headers.get('retry-after'), now());
      return { reason: `status ${status}`, status, answer: bytes.toString(), mayPass, waitMs };
    }
    try {
      return { value: parse(bytes) };
    } catch (thrown) {
      const reason = `status ${status} and a broken answer (${asError(thrown).message})`;
      return { reason, status, answer: bytes.toString(), mayPass: true };
    }
  } catch (thrown) {
    const reason = timeout.aborted ? `no whole answer within ${timeoutMs / 1000} s` : networkReason(thrown);
    // What was refused here is refused the next time.
    const mayPass = !(asError(thrown).cause instanceof DiptychError);
    return { reason, answer: '', mayPass };
  }
}

/** Null when there are more. */
async function readAtMost(response: Response, maxBytes: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Seconds or a date (RFC 9110, 10.2.3) to milliseconds. */
function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? 1000 * Number(header) : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** fetch says only "fetch failed"; the cause says why. */
function networkReason(thrown: unknown): string {
  const { message, cause } = asError(thrown);
  const { message: why, code } = (cause ?? {}) as { message?: string; code?: string };
  return why || code || message;
}

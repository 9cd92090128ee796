/** The API as the pages call it, typed by its OpenAPI document. */
import createClient from 'openapi-fetch';
import type { paths } from '../../../clients/typescript/schema.d.ts';

export const api = createClient<paths>();

type Answer<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

export type Run = Answer<'/v1/runs/{id}'>;
export type Stage = Run['stages'][number];
export type RunItem = Answer<'/v1/runs/{id}/items'>['items'][number];
export type ItemCandidate = RunItem['candidates'][number];
export type WorkerProcess = Answer<'/v1/workers'>['items'][number];
export type DeadLetter = Answer<'/v1/dead-letters'>['items'][number];
export type Failure = Answer<'/v1/runs/{id}/failures'>['items'][number];
export type Telemetry = Answer<'/v1/runs/{id}/telemetry'>;
export type Session = Answer<'/v1/session'>;
export type NextComparisons = Answer<'/v1/runs/{id}/votes/next'>;
export type VoteSummary = Answer<'/v1/runs/{id}/votes/summary'>;
export type Export = Answer<'/v1/exports/{id}'>;
export type ExportFile = Answer<'/v1/exports/{id}/files'>['items'][number];
export type Artifact = Answer<'/v1/runs/{id}/artifacts'>['items'][number];

/** What the service says of a call that failed; its message is for the person who asked. */
export class ApiError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The body of an answer. Throws ApiError, also where nobody answers. */
export async function answered<Body>(
  asked: Promise<{ data?: Body; error?: unknown; response: Response }>,
): Promise<Body> {
  const { data, error, response } = await asked.catch(() => {
    throw new ApiError('NO_ANSWER', 'The service does not answer. Is `npm start` still running?');
  });
  if (response.ok) return data as Body;
  const { code, message } = (error as { error?: { code: string; message: string } })?.error ?? {
    code: String(response.status),
    message: response.statusText,
  };
  throw new ApiError(code, message);
}

/** Every entry of a list, page by page. */
export async function* everyPage<Entry>(
  pageAfter: (cursor: string | undefined) => Promise<{ items: Entry[]; next: string | null }>,
): AsyncGenerator<Entry[]> {
  let cursor: string | undefined;
  do {
    const { items, next } = await pageAfter(cursor);
    yield items;
    cursor = next ?? undefined;
  } while (cursor !== undefined);
}

export const blobUrl = (sha256: string, width?: number) =>
  `/v1/blobs/${sha256}${width === undefined ? '' : `?width=${width}`}`;

/** It has not ended. */
export const isActive = ({ status }: Pick<Run, 'status'>) =>
  status === 'queued' || status === 'running' || status === 'paused';

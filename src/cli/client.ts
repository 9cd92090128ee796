/** The few calls of the HTTP API that the command line makes, typed. */
import type { ReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { VoteSummary } from '../api/vote-summary.ts';
import type { QualityReport } from '../quality/report.ts';
import type { StageView } from './progress.ts';

export interface RunView {
  id: string;
  kind: string;
  annotationSet: string;
  status: 'queued' | 'running' | 'paused' | 'succeeded' | 'failed' | 'cancelled';
  error: string | null;
  stages: StageView[];
  /** Estimate of what is left; null until there is a rate to judge by. */
  secondsLeft: number | null;
}

export interface IngestResult {
  received: number;
  inserted: number;
  updated: number;
  unchanged: number;
  rejected: number;
  rejections: { line: number; img_id?: string; field: string; reason: string }[];
}

export interface PromptsResult {
  received: number;
  inserted: number;
  updated: number;
  unchanged: number;
}

export interface ArtifactView {
  name: string;
  path: string;
  bytes: number;
}

export interface ExportView {
  /** Also that of the run that makes it. */
  id: string;
  layout: string;
  version: string;
}

export interface QualityView {
  version: string;
  report: QualityReport;
  failures: { stage: string; what: string; reason: string; count: number }[];
}

export interface ExportFile {
  name: string;
  bytes: number;
  sha256: string;
  /** From the address of the service. */
  link: string;
}

/** A name with "/" between folders, as a URL has it. */
const escapedPath = (name: string) => name.split('/').map(encodeURIComponent).join('/');

const POLL_MS = 500;
/** How long an API that does not answer is waited for: the service starts it again when it died. */
const PATIENCE_MS = 60_000;

/** DIPTYCH_KEY, for services that ask for one. */
export function authorization(): Record<string, string> {
  const key = process.env.DIPTYCH_KEY;
  return key ? { authorization: `Bearer ${key}` } : {};
}

export function openClient(url: string) {
  async function request<T>(route: string, init?: RequestInit): Promise<T> {
    const headers = { ...authorization(), ...(init?.headers as Record<string, string> | undefined) };
    const response = await fetch(`${url}/v1${route}`, { ...init, headers });
    if (response.status === 204) return null as T;
    const body = (await response.json()) as T & { error?: { code: string; message: string } };
    if (!response.ok)
      throw new Error(
        `${body.error?.code ?? response.status}: ${body.error?.message ?? response.statusText}`,
      );
    return body;
  }
  /** Every entry of a list, page by page. */
  async function* all<T>(route: string): AsyncGenerator<T> {
    for (let cursor = ''; ; ) {
      const { items, next } = await request<{ items: T[]; next: string | null }>(
        `${route}?limit=500${cursor}`,
      );
      yield* items;
      if (next === null) return;
      cursor = `&cursor=${next}`;
    }
  }
  const getRun = (id: string) => request<RunView>(`/runs/${id}`);

  return {
    getRun,
    /** Streams a LAION-SG file (JSON array or NDJSON) into a set, creating it. */
    ingest: (set: string, file: ReadStream) =>
      request<IngestResult>(`/annotation-sets/${encodeURIComponent(set)}/annotations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: Readable.toWeb(file) as ReadableStream,
        duplex: 'half',
      } as RequestInit),
    /** Sends a benchmark's file into a set, creating it. */
    ingestPrompts: (set: string, file: ReadStream, asked: { format: string; category?: string }) =>
      request<PromptsResult>(
        `/annotation-sets/${encodeURIComponent(set)}/prompts?${new URLSearchParams(asked)}`,
        {
          method: 'POST',
          headers: { 'content-type': 'text/plain' },
          body: Readable.toWeb(file) as ReadableStream,
          duplex: 'half',
        } as RequestInit,
      ),
    createRun: (settings: Record<string, unknown>) =>
      request<RunView>('/runs', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(settings),
      }),
    /** The newest runs. */
    runs: async () => (await request<{ items: RunView[] }>('/runs')).items,
    artifacts: (id: string) => Array.fromAsync(all<ArtifactView>(`/runs/${id}/artifacts`)),
    /** Asks for an export; the same one again where its version was asked for before. */
    askExport: (run: string, body: Record<string, unknown>) =>
      request<ExportView>(`/runs/${run}/exports`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    /** The quality report of a version, once it has been made. */
    quality: (run: string, version: string) =>
      request<QualityView>(`/runs/${run}/quality?version=${version}`),
    voteSummary: (run: string) => request<VoteSummary>(`/runs/${run}/votes/summary`),
    askImport: (body: Record<string, unknown>) =>
      request<RunView>('/imports', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    /** Sends a file of an upload; its size and sha256 as they arrived. */
    upload: (name: string, file: string, content: ReadStream) =>
      request<{ bytes: number; sha256: string }>(`/uploads/${name}/${escapedPath(file)}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream' },
        body: Readable.toWeb(content) as ReadableStream,
        duplex: 'half',
      } as RequestInit),
    deleteUpload: (name: string) => request<null>(`/uploads/${name}`, { method: 'DELETE' }),
    exportFiles: (id: string) => all<ExportFile>(`/exports/${id}/files`),
    /** Resolves with the run once it has ended; `onView` sees it about twice a second until then. */
    async watchRun(id: string, onView: (view: RunView) => void): Promise<RunView> {
      let answered = Date.now();
      for (;;) {
        try {
          const view = await getRun(id);
          answered = Date.now();
          onView(view);
          if (isOver(view)) return view;
        } catch (thrown) {
          // fetch throws a TypeError when nobody answered; what the API itself says is no reason to ask again.
          if (!(thrown instanceof TypeError) || Date.now() - answered > PATIENCE_MS) throw thrown;
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
  };
}

export const isOver = ({ status }: RunView) => !['queued', 'running', 'paused'].includes(status);

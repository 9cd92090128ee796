/** The HTTP API of Diptych, typed by its OpenAPI document. Needs `fetch` and nothing else: browsers, Node, Deno, Bun. */
import createClient from 'openapi-fetch';
import type { paths } from './schema.d.ts';

type Answer<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;
type Asked<Path extends keyof paths> = paths[Path] extends {
  post: { requestBody: { content: { 'application/json': infer Body } } };
}
  ? Body
  : never;
type Made<Path extends keyof paths, Status extends number> = paths[Path] extends {
  post: { responses: { [S in Status]: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

export type Run = Answer<'/v1/runs/{id}'>;
export type Stage = Run['stages'][number];
export type RunRequest = Asked<'/v1/runs'>;
export type Failure = Answer<'/v1/runs/{id}/failures'>['items'][number];
export type DeadLetter = Answer<'/v1/dead-letters'>['items'][number];
/** A worker process. */
export type Worker = Answer<'/v1/workers'>['items'][number];
export type Artifact = Answer<'/v1/runs/{id}/artifacts'>['items'][number];
export type Export = Answer<'/v1/exports/{id}'>;
export type ExportRequest = Asked<'/v1/runs/{id}/exports'>;
export type ExportFile = Answer<'/v1/exports/{id}/files'>['items'][number];
export type ImportRequest = Asked<'/v1/imports'>;
export type VoteSummary = Answer<'/v1/runs/{id}/votes/summary'>;
export type Quality = Answer<'/v1/runs/{id}/quality'>;
export type AnnotationSet = Answer<'/v1/annotation-sets'>['items'][number];
export type Ingested = Made<'/v1/annotation-sets/{name}/annotations', 200>;
export type IngestedPrompts = Made<'/v1/annotation-sets/{name}/prompts', 200>;
/** Of a run's log: its type and when it was, with what docs/api.md says of the type. */
export type RunEvent = { id: string; type: string; at: string } & Record<string, unknown>;
export type Client = ReturnType<typeof openClient>;

/** What the service refused. `code` is one of its catalogue (src/errors.ts), `status` that of HTTP; 0: nobody answered. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
  }
}

export interface ClientOptions {
  /** For services that ask for one (docs/security.md). */
  key?: string | undefined;
  /** How long a service that does not answer is asked again while a run is followed: it may be starting. */
  patienceMs?: number;
}

const POLL_MS = 500;
/** Statuses that pass: nobody answers, too many requests, too much to do. */
const PASSING = [0, 429, 503];

export const isOver = ({ status }: Pick<Run, 'status'>) =>
  ['succeeded', 'failed', 'cancelled'].includes(status);

/** `url` is what `npm start` prints. Every call throws ApiError. */
export function openClient(url: string, { key, patienceMs = 60_000 }: ClientOptions = {}) {
  const base = url.replace(/\/$/, '');
  const headers: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {};
  const api = createClient<paths>({ baseUrl: base, headers });

  /** What openapi-fetch has no words for: bodies and answers that are streams. */
  async function send(route: string, init: RequestInit & { duplex?: 'half' } = {}): Promise<Response> {
    const asked = { ...init, headers: { ...headers, ...(init.headers as Record<string, string>) } };
    const response = await fetch(`${base}${route}`, asked).catch((cause) => {
      throw noAnswer(base, cause);
    });
    if (!response.ok) throw refusal(response, await response.json().catch(() => null));
    return response;
  }
  const sendBody = async <Body>(method: string, route: string, type: string, body: BodyInit) =>
    (await send(route, { method, body, duplex: 'half', headers: { 'content-type': type } }).then((response) =>
      response.json(),
    )) as Body;

  /** The body of an answer. */
  async function answered<Body>(
    asked: Promise<{ data?: Body; error?: unknown; response: Response }>,
  ): Promise<Body> {
    const { data, error, response } = await asked.catch((cause) => {
      throw noAnswer(base, cause);
    });
    if (!response.ok) throw refusal(response, error);
    return data as Body;
  }
  const byId = (id: string) => ({ params: { path: { id } } });
  const pageOf = (cursor: string | undefined) => ({ limit: 500, ...(cursor !== undefined && { cursor }) });
  const getRun = (id: string): Promise<Run> => answered(api.GET('/v1/runs/{id}', byId(id)));

  /** Calls until it is answered. Throws what the service says, and NO_ANSWER when `patienceMs` is over. */
  async function patiently<T>(call: () => Promise<T>): Promise<T> {
    for (const asked = Date.now(); ; ) {
      try {
        return await call();
      } catch (thrown) {
        if (
          !(thrown instanceof ApiError && PASSING.includes(thrown.status)) ||
          Date.now() - asked > patienceMs
        )
          throw thrown;
      }
      await pause();
    }
  }

  return {
    url: base,
    /** Every route of the OpenAPI document, typed. */
    api,
    answered,
    send,
    getRun,
    /** Newest first. */
    runs: () =>
      everyItem<Run>((cursor) => answered(api.GET('/v1/runs', { params: { query: pageOf(cursor) } }))),
    createRun: (body: RunRequest): Promise<Run> => answered(api.POST('/v1/runs', { body })),
    cancelRun: (id: string): Promise<Run> => answered(api.POST('/v1/runs/{id}/cancel', byId(id))),
    retryRun: (id: string): Promise<Run> => answered(api.POST('/v1/runs/{id}/retry', byId(id))),
    pauseRun: (id: string): Promise<Run> => answered(api.POST('/v1/runs/{id}/pause', byId(id))),
    resumeRun: (id: string): Promise<Run> => answered(api.POST('/v1/runs/{id}/resume', byId(id))),
    setPriority: (id: string, priority: Run['priority']): Promise<Run> =>
      answered(api.POST('/v1/runs/{id}/priority', { ...byId(id), body: { priority } })),
    failures: (id: string) =>
      everyItem<Failure>((cursor) =>
        answered(api.GET('/v1/runs/{id}/failures', { params: { path: { id }, query: pageOf(cursor) } })),
      ),
    /** What was given up, in any run. */
    deadLetters: () =>
      everyItem<DeadLetter>((cursor) =>
        answered(api.GET('/v1/dead-letters', { params: { query: pageOf(cursor) } })),
      ),
    retryDeadLetter: (id: string) => answered(api.POST('/v1/dead-letters/{id}/retry', byId(id))),
    workers: async (): Promise<Worker[]> => (await answered(api.GET('/v1/workers'))).items,
    artifacts: (id: string) =>
      Array.fromAsync(
        everyItem<Artifact>((cursor) =>
          answered(api.GET('/v1/runs/{id}/artifacts', { params: { path: { id }, query: pageOf(cursor) } })),
        ),
      ),
    /** The quality report of a version, once it has been made. */
    quality: (id: string, version: string): Promise<Quality> =>
      answered(api.GET('/v1/runs/{id}/quality', { params: { path: { id }, query: { version } } })),
    voteSummary: (id: string): Promise<VoteSummary> =>
      answered(api.GET('/v1/runs/{id}/votes/summary', byId(id))),

    annotationSets: () =>
      everyItem<AnnotationSet>((cursor) =>
        answered(api.GET('/v1/annotation-sets', { params: { query: pageOf(cursor) } })),
      ),
    /** Sends LAION-SG (a JSON array or NDJSON, gzip or not, of any length) into a set, creating it. */
    ingest: (set: string, body: BodyInit) =>
      sendBody<Ingested>(
        'POST',
        `/v1/annotation-sets/${encodeURIComponent(set)}/annotations`,
        'application/json',
        body,
      ),
    /** Sends a benchmark's file into a set, creating it. */
    ingestPrompts: (set: string, body: BodyInit, asked: { format: string; category?: string }) =>
      sendBody<IngestedPrompts>(
        ...([
          'POST',
          `/v1/annotation-sets/${encodeURIComponent(set)}/prompts?${new URLSearchParams(asked)}`,
        ] as const),
        ...(['text/plain', body] as const),
      ),
    askImport: (body: ImportRequest): Promise<Run> => answered(api.POST('/v1/imports', { body })),
    /** Sends a file of an upload; its size and sha256 as they arrived. */
    upload: (name: string, file: string, body: BodyInit) =>
      sendBody<{ bytes: number; sha256: string }>(
        ...(['PUT', `/v1/uploads/${name}/${escapedPath(file)}`] as const),
        ...(['application/octet-stream', body] as const),
      ),
    deleteUpload: (name: string) =>
      answered(api.DELETE('/v1/uploads/{name}', { params: { path: { name } } })),

    /** Asks for an export; the same one again where its version was asked for before. Its id is that of the run that makes it. */
    askExport: (id: string, body: ExportRequest): Promise<Export> =>
      answered(api.POST('/v1/runs/{id}/exports', { ...byId(id), body })),
    exportFiles: (id: string) =>
      everyItem<ExportFile>((cursor) =>
        answered(api.GET('/v1/exports/{id}/files', { params: { path: { id }, query: pageOf(cursor) } })),
      ),

    /** Resolves with the run once it has ended; `onView` sees it about twice a second until then. */
    async watchRun(id: string, onView: (view: Run) => void = () => {}): Promise<Run> {
      for (;;) {
        const view = await patiently(() => getRun(id));
        onView(view);
        if (isOver(view)) return view;
        await pause();
      }
    },
    /** The log of a run from its start, or after an event, until the run has ended. A lost connection is taken up again. */
    async *events(id: string, after = '0'): AsyncGenerator<RunEvent> {
      for (let last = after; ; ) {
        const { body } = await patiently(() =>
          send(`/v1/runs/${id}/events`, { headers: { 'last-event-id': last } }),
        );
        try {
          for await (const event of serverSentEvents(body!)) {
            last = event.id;
            yield event;
          }
        } catch (thrown) {
          // fetch throws a TypeError when the connection is gone; all else is not about it.
          if (!(thrown instanceof TypeError)) throw thrown;
        }
        // The stream also ends when the service stops.
        if (isOver(await patiently(() => getRun(id)))) return;
        await pause();
      }
    },
  };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS));

/** A name with "/" between folders, as a URL has it. */
const escapedPath = (name: string) => name.split('/').map(encodeURIComponent).join('/');

const noAnswer = (base: string, cause: unknown) =>
  new ApiError('NO_ANSWER', `no service answers at ${base}; \`npm start\` starts one`, 0, { cause });

function refusal({ status, statusText }: Response, body: unknown): ApiError {
  const { code, message } = (body as { error?: { code: string; message: string } } | null)?.error ?? {
    code: `HTTP_${status}`,
    message: statusText,
  };
  return new ApiError(code, message, status);
}

/** Every entry of a list, page by page. */
export async function* everyItem<Item>(
  pageAfter: (cursor: string | undefined) => Promise<{ items: Item[]; next: string | null }>,
): AsyncGenerator<Item> {
  let cursor: string | undefined;
  do {
    const { items, next } = await pageAfter(cursor);
    yield* items;
    cursor = next ?? undefined;
  } while (cursor !== undefined);
}

/** As the service writes them: `id`, `event` and one line of `data` each. An event without its end is left out. */
async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<RunEvent> {
  let rest = '';
  for await (const text of body.pipeThrough(
    new TextDecoderStream() as never,
  ) as never as AsyncIterable<string>) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2)));
      yield { id: fields.id, type: fields.event, ...JSON.parse(fields.data) };
    }
  }
}

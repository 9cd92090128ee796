/** Annotation sets: streamed ingest, and what is in them. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import type { Annotation } from '../../annotations/annotation.ts';
import { T2I_CATEGORIES } from '../../annotations/benchmark.ts';
import { readAnnotations } from '../../annotations/records.ts';
import { BENCHMARK_FORMATS, readBenchmark } from '../../benchmarks/read.ts';
import { ensureSet, findSet, listAnnotations, listSets, upsertAnnotations } from '../../store/annotations.ts';
import type { Store } from '../../store/client.ts';
import { ingestGate } from '../load.ts';
import { Anything, ErrorAnswer, fromCursor, nextCursor, Paging, page } from '../schemas.ts';
import type { Services } from '../services.ts';

/** Records written in one statement, or fewer where they are long. */
const BATCH = 250;
const BATCH_BYTES = 16 * 1024 * 1024;
/** Rejections listed in the answer; all are counted. */
const LISTED_REJECTIONS = 1000;

const SetName = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 200, description: 'Name of the annotation set' }),
});
const SetView = Type.Object({
  name: Type.String(),
  count: Type.Integer(),
  createdAt: Type.String({ format: 'date-time' }),
});
const counts = {
  inserted: Type.Integer(),
  updated: Type.Integer(),
  unchanged: Type.Integer(),
};
const PromptsAnswer = Type.Object({
  received: Type.Integer({ description: 'Prompts in the file' }),
  ...counts,
});
const PromptsQuery = Type.Object({
  format: Type.Enum([...BENCHMARK_FORMATS], { description: 'Whose file it is' }),
  category: Type.Optional(
    Type.Enum([...T2I_CATEGORIES], { description: "Of t2i-compbench's files, which don't name it" }),
  ),
});
const IngestAnswer = Type.Object({
  received: Type.Integer({ description: 'Records in the body' }),
  ...counts,
  rejected: Type.Integer(),
  rejections: Type.Array(
    Type.Object({
      line: Type.Integer({ description: 'Line of the (unpacked) body where the record starts' }),
      field: Type.String({ description: 'Path of the wrong field; empty: the record as a whole' }),
      reason: Type.String(),
    }),
    { description: `The first ${LISTED_REJECTIONS}` },
  ),
});

export function annotationRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  const gate = ingestGate();
  return async (app) => {
    app.get(
      '/annotation-sets',
      {
        schema: { tags: ['annotations'], querystring: Type.Object(Paging), response: { 200: page(SetView) } },
      },
      async ({ query: { cursor, limit } }) => {
        const sets = await listSets(store, fromCursor(cursor, Type.String()) ?? '', limit);
        return {
          items: sets.map(({ name, count, createdAt }) => ({
            name,
            count,
            createdAt: createdAt.toISOString(),
          })),
          next: nextCursor(sets, limit, ({ name }) => name),
        };
      },
    );

    app.get(
      '/annotation-sets/:name/annotations',
      {
        schema: {
          tags: ['annotations'],
          params: SetName,
          querystring: Type.Object(Paging),
          response: { 200: page(Anything), 404: ErrorAnswer },
        },
      },
      async ({ params, query: { cursor, limit } }) => {
        const set = await findSet(store, params.name);
        const rows = await listAnnotations(store, set.id, fromCursor(cursor, Type.String()) ?? '', limit);
        return {
          items: rows.map(({ body }) => body),
          next: nextCursor(rows, limit, ({ imgId }) => imgId),
        };
      },
    );

    await app.register(async (raw) => {
      // The body is read as a stream whatever it calls itself; its first bytes tell what it is.
      raw.removeAllContentTypeParsers();
      raw.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
      raw.post(
        '/annotation-sets/:name/annotations',
        {
          bodyLimit: Number.MAX_SAFE_INTEGER,
          config: { streams: true },
          schema: {
            tags: ['annotations'],
            summary: 'Ingest LAION-SG annotations',
            description:
              'NDJSON or a JSON array, gzip or not, of any length. Records are upserted by img_id; a bad one is reported and stored nowhere, and stops no other.',
            consumes: ['application/x-ndjson', 'application/json', 'application/gzip'],
            params: SetName,
            response: { 200: IngestAnswer },
          },
        },
        async (request, reply) => {
          const { name } = request.params as { name: string };
          const body = request.body as AsyncIterable<Uint8Array> | undefined;
          return gate(reply, () => ingest(store, name, body ?? emptyBody()));
        },
      );

      raw.post(
        '/annotation-sets/:name/prompts',
        {
          bodyLimit: Number.MAX_SAFE_INTEGER,
          schema: {
            tags: ['annotations'],
            summary: "Take a benchmark's prompts as annotations",
            description:
              "DPG-Bench's CSV or a prompt file of T2I-CompBench, gzip or not. All of the file is stored, or none of it and the answer tells line and column of what is wrong.",
            consumes: ['text/csv', 'text/plain', 'application/gzip'],
            params: SetName,
            querystring: PromptsQuery,
            response: { 200: PromptsAnswer, 400: ErrorAnswer },
          },
        },
        async (request) => {
          const { name } = request.params as { name: string };
          const body = request.body as AsyncIterable<Uint8Array> | undefined;
          const annotations = await readBenchmark(
            body ?? emptyBody(),
            request.query as Static<typeof PromptsQuery>,
          );
          const set = await ensureSet(store, name);
          return { received: annotations.length, ...(await upsertAnnotations(store, set.id, annotations)) };
        },
      );
    });
  };
}

/** Reads the next batch while the last one is written. */
async function ingest(store: Store, name: string, body: AsyncIterable<Uint8Array>) {
  const set = await ensureSet(store, name);
  const answer = { received: 0, inserted: 0, updated: 0, unchanged: 0, rejected: 0 };
  const rejections: { line: number; field: string; reason: string }[] = [];
  const write = async (annotations: readonly Annotation[]) => {
    const counts = await upsertAnnotations(store, set.id, annotations);
    answer.inserted += counts.inserted;
    answer.updated += counts.updated;
    answer.unchanged += counts.unchanged;
  };
  let writing = Promise.resolve();
  let batch: Annotation[] = [];
  let batchBytes = 0;
  const flush = async () => {
    await writing;
    writing = write(batch);
    // Thrown by the next flush, which may come late.
    writing.catch(() => {});
    [batch, batchBytes] = [[], 0];
  };
  try {
    for await (const record of readAnnotations(body)) {
      answer.received++;
      if (record.problem) {
        answer.rejected++;
        if (rejections.length < LISTED_REJECTIONS) rejections.push({ line: record.line, ...record.problem });
        continue;
      }
      batch.push(record.annotation);
      batchBytes += record.bytes;
      if (batch.length === BATCH || batchBytes > BATCH_BYTES) await flush();
    }
    if (batch.length > 0) await flush();
  } finally {
    await writing;
  }
  return { ...answer, rejections };
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

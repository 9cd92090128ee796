/** Exports: asked for of a run, watched, downloaded, deleted. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { type ExportSettings, planExport } from '../../../pipelines/exports.ts';
import { ExportRequest } from '../../../pipelines/settings.ts';
import { MANIFEST } from '../../export/export.ts';
import { removeForgotten } from '../../export/export-folders.ts';
import {
  askExport,
  deleteExport,
  type ExportView,
  getExport,
  knownExports,
  listExports,
  newestExports,
} from '../../jobs/exports.ts';
import { getRun } from '../../jobs/runs.ts';
import { findArtifact, listArtifacts } from '../../store/artifacts.ts';
import { LONG_ANSWER_MS } from '../load.ts';
import { Anything, ErrorAnswer, fromCursor, nextCursor, Paging, page, RunId } from '../schemas.ts';
import { sendFile } from '../send-file.ts';
import type { Services } from '../services.ts';

const ExportId = Type.Object({ id: Type.String({ format: 'uuid', description: 'Export' }) });
const Export = Type.Object({
  id: Type.String(),
  run: Type.String({ description: 'The run whose candidates it holds' }),
  annotationSet: Type.String(),
  layout: Type.String(),
  version: Type.String({ description: 'sha256 over everything that its rows are made from' }),
  policy: Type.Unknown({ description: 'Reward, pairs and score versions' }),
  bytes: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Of all files; null until it has succeeded',
  }),
  status: Type.String(),
  error: Type.Union([Type.String(), Type.Null()]),
  fraction: Type.Number({ description: 'Finished share, 0 to 1' }),
  secondsLeft: Type.Union([Type.Number(), Type.Null()], { description: 'Null once it has ended' }),
  createdAt: Type.String(),
  finishedAt: Type.Union([Type.String(), Type.Null()]),
  links: Type.Object(
    {
      self: Type.String(),
      events: Type.String(),
      cancel: Type.String({ description: 'POST' }),
      retry: Type.String({ description: 'POST' }),
      files: Type.Union([Type.String(), Type.Null()], { description: 'Null until it has succeeded' }),
      manifest: Type.Union([Type.String(), Type.Null()]),
    },
    { description: 'An export is a run: its log, cancel and retry are those of the run of its id' },
  ),
});
const File = Type.Object({
  name: Type.String(),
  bytes: Type.Integer(),
  sha256: Type.String(),
  link: Type.String(),
});

const fileLink = (id: string, name: string) =>
  `/v1/exports/${id}/files/${name.split('/').map(encodeURIComponent).join('/')}`;

function viewOf({ id, sourceId, layout, version, bytes, settings, stages, ...run }: ExportView) {
  const done = run.status === 'succeeded';
  return {
    id,
    run: sourceId,
    annotationSet: run.annotationSet,
    layout,
    version,
    bytes,
    policy: (settings as ExportSettings).policy,
    status: run.status,
    error: run.error,
    fraction: stages[0]!.fraction,
    secondsLeft: run.secondsLeft,
    createdAt: run.createdAt.toISOString(),
    finishedAt: run.finishedAt?.toISOString() ?? null,
    links: {
      self: `/v1/exports/${id}`,
      events: `/v1/runs/${id}/events`,
      cancel: `/v1/runs/${id}/cancel`,
      retry: `/v1/runs/${id}/retry`,
      files: done ? `/v1/exports/${id}/files` : null,
      manifest: done ? fileLink(id, MANIFEST) : null,
    },
  };
}

export function exportRoutes({ store, boss, artifacts, places }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/runs/:id/exports',
      {
        handlerTimeout: LONG_ANSWER_MS,
        schema: {
          tags: ['exports'],
          summary: "Ask for a run's candidates in a layout",
          description:
            '201: a new export. 200: the same version was asked for in this layout before, and this is it. The version is computed here, from all annotations and scores of the run.',
          params: RunId,
          body: ExportRequest,
          response: { 200: Export, 201: Export, 400: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer },
        },
      },
      async ({ params, body }, reply) => {
        const { id, created } = await askExport(store, boss, await planExport(store, params.id, body));
        return reply.status(created ? 201 : 200).send(viewOf(await getExport(store, id)));
      },
    );

    app.get(
      '/runs/:id/exports',
      {
        schema: {
          tags: ['exports'],
          summary: 'Exports of a run',
          params: RunId,
          querystring: Type.Object(Paging),
          response: { 200: page(Export), 404: ErrorAnswer },
        },
      },
      async ({ params, query: { cursor, limit } }) => {
        await getRun(store, params.id);
        const items = await listExports(store, params.id, fromCursor(cursor, ExportId.properties.id), limit);
        return { items: items.map(viewOf), next: nextCursor(items, limit, ({ id }) => id) };
      },
    );

    app.get(
      '/exports',
      {
        schema: {
          tags: ['exports'],
          summary: 'Exports of all runs, newest first',
          querystring: Type.Object(Paging),
          response: { 200: page(Export) },
        },
      },
      async ({ query: { cursor, limit } }) => {
        const before = fromCursor(cursor, ExportId.properties.id) ?? null;
        const items = await newestExports(store, before, limit);
        return { items: items.map(viewOf), next: nextCursor(items, limit, ({ id }) => id) };
      },
    );

    app.get(
      '/exports/:id',
      { schema: { tags: ['exports'], params: ExportId, response: { 200: Export, 404: ErrorAnswer } } },
      async ({ params }) => viewOf(await getExport(store, params.id)),
    );

    app.delete(
      '/exports/:id',
      {
        schema: {
          tags: ['exports'],
          summary: 'Delete an export with its files, or give up one that is under way',
          params: ExportId,
          response: { 204: Type.Null(), 404: ErrorAnswer },
        },
      },
      async ({ params }, reply) => {
        await deleteExport(store, params.id);
        await removeForgotten(places.exports, (ids) => knownExports(store, ids));
        await artifacts.removeAll(params.id);
        return reply.status(204).send(null);
      },
    );

    app.get(
      '/exports/:id/files',
      {
        schema: {
          tags: ['exports'],
          summary: 'Files of an export, with size and SHA-256; none until it has succeeded',
          params: ExportId,
          querystring: Type.Object(Paging),
          response: { 200: page(File), 404: ErrorAnswer },
        },
      },
      async ({ params: { id }, query: { cursor, limit } }) => {
        await getExport(store, id);
        const files = await listArtifacts(store, id, {
          after: fromCursor(cursor, Type.String()) ?? '',
          limit,
        });
        return {
          items: files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256, link: fileLink(id, name) })),
          next: nextCursor(files, limit, ({ name }) => name),
        };
      },
    );

    app.get(
      '/exports/:id/files/*',
      {
        config: { streams: true },
        schema: {
          tags: ['exports'],
          summary: 'Download a file, or a range of it',
          description: 'Range, If-Range and If-None-Match are heeded; the ETag is the SHA-256.',
          params: Type.Intersect([ExportId, Type.Object({ '*': Type.String() })]),
          response: { 206: Anything, 416: ErrorAnswer },
        },
      },
      async (request, reply) => {
        const { id, '*': name } = request.params as { id: string; '*': string };
        await getExport(store, id);
        return sendFile({ request, reply, artifacts }, id, await findArtifact(store, id, name));
      },
    );
  };
}

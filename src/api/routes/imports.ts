/** Imports, and the files that are sent for them. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { planImport } from '../../../pipelines/imports.ts';
import { checkSafeImport } from '../../../pipelines/safe-settings.ts';
import { ImportRequest } from '../../../pipelines/settings.ts';
import { createRun, getRun } from '../../jobs/runs.ts';
import { deleteUpload, putUpload } from '../../store/uploads.ts';
import { ErrorAnswer } from '../schemas.ts';
import type { Services } from '../services.ts';
import { Run } from './runs.ts';

const UploadName = Type.Object({ name: Type.String({ description: 'Name of the upload, chosen by you' }) });
const FileName = Type.Intersect([UploadName, Type.Object({ '*': Type.String() })]);

export function importRoutes({ store, boss, places }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/imports',
      {
        schema: {
          tags: ['imports'],
          summary: 'Import images with what is known of them',
          description:
            'An import is a run: its id is that of the run, whose routes watch, cancel and retry it. Nothing of it is in the store before all of it is.',
          body: ImportRequest,
          response: { 201: Run, 400: ErrorAnswer, 404: ErrorAnswer },
        },
      },
      async ({ body }, reply) => {
        if (await app.needsKeys()) await checkSafeImport(body);
        const id = await createRun(store, boss, await planImport(store, places.uploads, body));
        return reply.status(201).send(JSON.parse(JSON.stringify(await getRun(store, id))));
      },
    );

    app.delete(
      '/uploads/:name',
      {
        schema: {
          tags: ['imports'],
          summary: 'Remove the files of an upload; what was imported of them stays',
          params: UploadName,
          response: { 204: Type.Null(), 404: ErrorAnswer },
        },
      },
      async ({ params }, reply) => {
        await deleteUpload(places.uploads, params.name);
        return reply.status(204).send(null);
      },
    );

    await app.register(async (raw) => {
      // Whatever it calls itself, it is bytes for a file.
      raw.removeAllContentTypeParsers();
      raw.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
      raw.put(
        '/uploads/:name/*',
        {
          bodyLimit: Number.MAX_SAFE_INTEGER,
          config: { streams: true },
          schema: {
            tags: ['imports'],
            summary: 'Send a file of an upload, of any length; one of the same name is replaced',
            consumes: ['application/octet-stream'],
            params: FileName,
            response: { 200: Type.Object({ bytes: Type.Integer(), sha256: Type.String() }) },
          },
        },
        async (request) => {
          const { name, '*': file } = request.params as { name: string; '*': string };
          const body = request.body as AsyncIterable<Uint8Array> | undefined;
          return putUpload(places.uploads, name, file, body ?? nothing());
        },
      );
    });
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

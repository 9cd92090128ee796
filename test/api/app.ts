/** The HTTP application on a database and a blob folder of its own, for one test file. */
import { after } from 'node:test';
import { type App, buildApp } from '../../src/api/app.ts';
import type { Services } from '../../src/api/services.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { type TestDatabase, useDatabase } from '../database.ts';
import { temporaryFolder } from '../temporary.ts';

export interface TestApp extends TestDatabase, Services {
  app: App;
  folder: string;
  exportsFolder: string;
  uploadsFolder: string;
  trainFolder(runId: string): string;
  /** Sends JSON, or nothing, and returns status and parsed answer. */
  send(
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    body?: unknown,
  ): Promise<{ status: number; body: Answer }>;
  /** Starts listening on a free port of the loopback. */
  listen(): Promise<string>;
}

/** Whatever an answer holds; tests look at single fields. */
export type Answer = {
  id: string;
  items: Record<string, unknown>[];
  next: string | null;
  error: { code: string; message: string };
} & Record<string, unknown>;

export async function useApp(): Promise<TestApp> {
  const database = await useDatabase();
  const folder = await temporaryFolder({ after });
  const blobs = folderBlobs(`${folder}/blobs`);
  const trainFolder = (runId: string) => `${folder}/runs/${runId}`;
  const exportsFolder = `${folder}/exports`;
  const uploadsFolder = `${folder}/uploads`;
  const places = { exports: exportsFolder, uploads: uploadsFolder, trainFolder };
  const services: Services = { ...database, blobs, artifacts: folderArtifacts, places };
  const app = await buildApp(services);
  database.closing.unshift(() => app.close());
  return {
    ...database,
    ...services,
    app,
    folder,
    exportsFolder,
    uploadsFolder,
    trainFolder,
    async send(method, url, body) {
      const answer = await app.inject({
        method,
        url,
        ...(body === undefined ? {} : { payload: body as object }),
      });
      return { status: answer.statusCode, body: answer.body === '' ? ({} as Answer) : answer.json<Answer>() };
    },
    listen: () => app.listen({ host: '127.0.0.1', port: 0 }),
  };
}

/** Artifacts and pages for people; the description of the API; the shape of errors. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import pino from 'pino';
import { RunSettings } from '../../pipelines/settings.ts';
import { buildApp } from '../../src/api/app.ts';
import { ensureSet } from '../../src/store/annotations.ts';
import type { Store } from '../../src/store/client.ts';
import { useApp } from './app.ts';
import { REPORT, scoredRun } from './scored-run.ts';

const context = await useApp();
const { app, store, folder, send } = context;
const run = await scoredRun(context, 1, '<script>alert(1)</script>');

test('artifacts are listed with size and hash, and downloaded by name', async () => {
  const { body } = await send('GET', `/v1/runs/${run}/artifacts`);
  assert.deepEqual(body.items.map(({ name, bytes }) => [name, bytes]).slice(0, 1), [
    ['export/a b.parquet', 6],
  ]);
  const answer = await app.inject({ url: `/v1/runs/${run}/artifacts/export/a%20b.parquet` });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['content-length'], '6');
  assert.deepEqual(answer.rawPayload, readFileSync(`${folder}/p`));
  const missing = await send('GET', `/v1/runs/${run}/artifacts/../../etc/passwd`);
  assert.equal(missing.status, 404);
  const unknown = await send('GET', `/v1/runs/${run}/artifacts/none.parquet`);
  assert.equal(unknown.body.error.message, `run ${run} has no artifact "none.parquet"`);
  const whole = await send('GET', `/v1/runs/${run}/artifacts/model`);
  assert.deepEqual([whole.status, whole.body.error.message], [400, `"model" is a folder: ${folder}`]);
});

test('the report page is the report, and is not found where there is none', async () => {
  const answer = await app.inject({ url: `/reports/${run}` });
  assert.deepEqual([answer.statusCode, answer.body], [200, REPORT]);
  assert.match(String(answer.headers['content-type']), /^text\/html/);
  const { id: setId } = await ensureSet(store, 'plain');
  const { id } = await store.run.create({ data: { kind: 'curate', settings: {}, setId } });
  const none = await send('GET', `/reports/${id}`);
  assert.deepEqual([none.status, none.body.error.message], [404, `run ${id} has no artifact "report.html"`]);
});

test('the first page lists the runs with their reports, names as text and never as HTML', async () => {
  const { body, headers } = await app.inject({ url: '/' });
  assert.match(String(headers['content-type']), /^text\/html/);
  assert.ok(body.includes(`<a href="/reports/${run}">`));
  assert.ok(body.includes('&lt;script&gt;'));
  assert.ok(!body.includes('<script>'));
});

const API_PAGE = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');

type Json = { [key: string]: Json };
const document = await app.inject({ url: '/docs/json' });

test('the OpenAPI document names every route with its parameters and answers', () => {
  const { openapi, info, paths } = document.json<Json>();
  assert.equal(String(openapi), '3.1.0');
  assert.equal(String(info!.title), 'Diptych');
  const named = Object.entries(paths!).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  // docs/api.md names a route as it likes its parameters to be called.
  const unnamed = (route: string) => route.replace(/\{[^}]+\}/g, '{}');
  const told = [...API_PAGE.matchAll(/`([A-Z]+ \/[^`?]*)/g)].map(([, route]) => unnamed(route!));
  assert.deepEqual(
    named.map(unnamed).filter((route) => !told.includes(route)),
    [],
    'docs/api.md names every route',
  );
  assert.ok(named.length > 20);
  for (const [path, methods] of Object.entries(paths!)) {
    const inPath = [...path.matchAll(/\{(.+?)\}/g)].map(([, name]) => name);
    for (const operation of Object.values(methods)) {
      const parameters = (operation.parameters ?? []) as unknown as {
        name: string;
        in: string;
        required: boolean;
      }[];
      const declared = parameters.filter((parameter) => parameter.in === 'path');
      assert.deepEqual(declared.map(({ name }) => name).sort(), inPath.sort(), path);
      assert.ok(declared.every(({ required }) => required));
      assert.ok(Object.keys(operation.responses!).length > 0, path);
    }
  }
  const body = paths!['/v1/runs']!.post!.requestBody!.content!['application/json']!.schema!;
  assert.deepEqual(Object.keys(body.properties!.settings!.properties!), Object.keys(RunSettings.properties));
});

test('every reference in the OpenAPI document leads somewhere, every schema has known types', () => {
  const root = document.json<Json>();
  const TYPES = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'];
  let seen = 0;
  (function walk(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    const { $ref, type, exclusiveMinimum } = value as Record<string, unknown>;
    if (typeof $ref === 'string') {
      const found = $ref
        .slice(2)
        .split('/')
        .reduce<Json | undefined>((at, key) => at?.[key], root);
      assert.ok(found, $ref);
    }
    if (typeof type === 'string') {
      seen++;
      assert.ok(TYPES.includes(type), type);
    }
    if (exclusiveMinimum !== undefined) assert.equal(typeof exclusiveMinimum, 'number');
    Object.values(value).forEach(walk);
  })(root.paths);
  assert.ok(seen > 50);
});

test('the API page is served', async () => {
  const { statusCode, headers } = await app.inject({ url: '/docs/' });
  assert.deepEqual([statusCode, String(headers['content-type']).split(';')[0]], [200, 'text/html']);
});

test('errors have one shape: a code and a message for who has to act', async () => {
  const nowhere = await send('GET', '/v1/nowhere?x=1');
  assert.equal(nowhere.status, 404);
  assert.deepEqual(nowhere.body, {
    error: { code: 'DIPTYCH_NOT_FOUND', message: 'there is no GET /v1/nowhere; see /docs' },
  });
  const broken = await app.inject({
    method: 'POST',
    url: '/v1/runs',
    payload: '{"kind":',
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(broken.statusCode, 400);
  assert.equal(broken.json().error.code, 'DIPTYCH_INVALID_INPUT');
  const noId = await send('GET', '/v1/runs/7');
  assert.deepEqual(noId.body.error.message, 'id is "7", must match format "uuid"');
});

test('an error nobody foresaw is answered with 500 and tells nothing of the inside', async () => {
  const lines: string[] = [];
  const failing = {
    apiKey: { findFirst: async () => null },
    annotationSet: { findMany: () => Promise.reject(new Error('password is hunter2')) },
  } as unknown as Store;
  const other = await buildApp(
    { ...context, store: failing },
    { log: pino({}, { write: (line: string) => void lines.push(line) }) },
  );
  const answer = await other.inject({ url: '/v1/annotation-sets' });
  await other.close();
  assert.equal(answer.statusCode, 500);
  assert.deepEqual(answer.json(), {
    error: { code: 'DIPTYCH_INTERNAL', message: 'something went wrong here; the service log says what' },
  });
  const { request, err } = JSON.parse(lines[0]!);
  assert.equal(err.message, 'password is hunter2');
  // The line about the answer has the same id.
  assert.deepEqual(
    [JSON.parse(lines[1]!).request, JSON.parse(lines[1]!).path],
    [request, '/v1/annotation-sets'],
  );
});

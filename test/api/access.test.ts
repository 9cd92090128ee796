/** Who gets in: keys, scopes, sessions, other sites' pages, wrong names, limits. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, test } from 'node:test';
import { buildApp } from '../../src/api/app.ts';
import { createKey, listKeys, revokeKey, rotateKey, type Scope } from '../../src/store/api-keys.ts';
import { folderArtifacts } from '../../src/store/artifact-files.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import { execute, useDatabase } from '../database.ts';
import { temporaryFolder } from '../temporary.ts';
import { until } from '../wait.ts';

const { store, boss, closing, url: databaseUrl } = await useDatabase();
const folder = await temporaryFolder({ after });

async function start(options: Parameters<typeof buildApp>[1] = {}) {
  const services = {
    ...{ store, boss, blobs: folderBlobs(folder), artifacts: folderArtifacts },
    places: { exports: folder, uploads: folder, trainFolder: () => folder },
  };
  const app = await buildApp(services, options);
  closing.unshift(() => app.close());
  const ask = async (method: 'GET' | 'POST' | 'DELETE', path: string, headers = {}, payload?: object) => {
    const {
      statusCode,
      body,
      cookies,
      headers: answered,
    } = await app.inject({
      ...{ method, url: path, headers },
      ...(payload === undefined ? {} : { payload }),
    });
    const json = body.startsWith('{') ? JSON.parse(body) : {};
    return { status: statusCode, code: json.error?.code, json, body, cookies, headers: answered };
  };
  return { app, ask };
}
/** Used by the first tests, while there is no key. */
const open = await start();
const exposed = await start({ exposed: true, limits: { requests: 6000, wrongKeys: 1000 } });

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const keyOf = async (scope: Scope) => (await createKey(store, `a ${scope} key`, scope)).key;
/** As if there had never been one; what is open asks again in a second at the earliest. */
const noKeys = () => execute(databaseUrl, 'DELETE FROM api_key');

test('without any key everything is open on the loopback', async () => {
  const { ask } = open;
  assert.equal((await ask('GET', '/v1/runs')).status, 200);
  assert.equal((await ask('GET', '/v1/webhooks')).status, 200);
  assert.deepEqual((await ask('GET', '/v1/session')).json, { needsKey: false, scope: 'admin' });
});

test('pages of other sites change nothing, whatever they send', async () => {
  const { ask } = open;
  for (const origin of ['https://evil.test', 'null', 'http://localhost:81', 'http://127.0.0.1']) {
    const { status, code } = await ask('POST', '/v1/annotation-sets/x/annotations', {
      ...{ origin, host: 'localhost:80' },
      'content-type': 'text/plain',
    });
    assert.deepEqual([status, code], [403, 'DIPTYCH_FORBIDDEN'], origin);
  }
  const own = { origin: 'http://localhost:80', host: 'localhost:80' };
  const { status } = await ask('POST', '/v1/annotation-sets/x/annotations', {
    ...{ origin: 'http://localhost:8080', host: 'localhost:8080' },
    'content-type': 'text/plain',
  });
  assert.equal(status, 200);
  assert.equal((await ask('GET', '/v1/runs', own)).status, 200);
});

test('a name that was pointed at the loopback gets no answer', async () => {
  const { ask } = open;
  for (const host of ['evil.test', 'evil.test:80', '127.0.0.1.evil.test', 'localhost.evil.test', '10.0.0.1'])
    assert.equal((await ask('GET', '/v1/runs', { host })).code, 'DIPTYCH_FORBIDDEN', host);
  for (const host of ['localhost', '127.0.0.1:4000', '[::1]:4000', '127.8.0.1'])
    assert.equal((await ask('GET', '/v1/runs', { host })).status, 200, host);
});

test("every answer tells browsers to run this service's files alone, and the API page has no script inside", async () => {
  const { ask } = open;
  for (const path of ['/v1/runs', '/nothing', '/docs']) {
    const { headers } = await ask('GET', path);
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /script-src 'self'(;|$)/, path);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
  }
  const page = (await ask('GET', '/docs')).body;
  assert.ok(page.includes('swagger-ui'));
  assert.doesNotMatch(page, /<script(?![^>]*\bsrc=)[^>]*>/);
});

test('a JSON body over the limit is refused with its code', async () => {
  const { ask } = open;
  const { status, code } = await ask('POST', '/v1/runs', {}, { kind: 'x'.repeat(1024 * 1024) });
  assert.deepEqual([status, code], [413, 'DIPTYCH_TOO_LARGE']);
});

const outward = [
  '../../../../etc/passwd',
  '..',
  '/etc/passwd',
  'a/../../../../../etc/passwd',
  '..\\..\\etc\\passwd',
];
const written = [
  encodeURIComponent,
  (path: string) => encodeURIComponent(encodeURIComponent(path)),
  encodeURI,
];
test('no path in a request leads to a file that the service did not name', async () => {
  const { ask } = open;
  const { paths } = (await ask('GET', '/docs/json')).json as { paths: Record<string, object> };
  const asked = Object.keys(paths).filter((path) => path.includes('{') && 'get' in paths[path]!);
  assert.ok(asked.length > 10);
  for (const path of [...asked, '/docs/static/{*}', '/docs/{*}', '/reports/{id}', '/{*}']) {
    for (const write of written) {
      for (const outside of outward) {
        const target = path.replace(/\{[^}]+\}/g, write(outside));
        const { status, body } = await ask('GET', target);
        // Dots are gone before a request is sent: they may name another route.
        const isRoute = new URL(target, 'http://host').pathname in paths;
        assert.ok(
          // Where it leads out of the routes, to the one document of the pages.
          status === 400 ||
            status === 404 ||
            isRoute ||
            path.startsWith('/docs') ||
            body.includes('<div id="app">'),
          `${target}: ${status}`,
        );
        assert.ok(!body.includes('root:'), path);
      }
    }
  }
});

test('more bodies of annotations at once than memory has room for are put off', async () => {
  const { app } = open;
  const at = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  const statuses: (number | undefined)[] = [];
  const retryAfter: unknown[] = [];
  const requests = Array.from({ length: 9 }, () => {
    const request = http.request(new URL('/v1/annotation-sets/many/annotations', at), { method: 'POST' });
    request.on('response', (response) => {
      response.resume();
      statuses.push(response.statusCode);
      retryAfter.push(response.headers['retry-after']);
    });
    request.on('error', () => {});
    request.write('\n');
    return request;
  });
  await until('one is put off', () => statuses.length === 1);
  assert.deepEqual([statuses, retryAfter], [[503], ['10']]);
  for (const request of requests) request.end();
  await until('the others are read', () => statuses.filter((status) => status === 200).length === 8);
});

test('without any key a service that other machines reach answers nobody', async () => {
  const { ask } = exposed;
  for (const path of ['/v1/runs', '/metrics']) {
    assert.deepEqual(
      [(await ask('GET', path)).status, (await ask('GET', path)).code],
      [401, 'DIPTYCH_UNAUTHENTICATED'],
    );
  }
  for (const path of ['/healthz', '/readyz', '/docs/json', '/v1/session', '/'])
    assert.equal((await ask('GET', path)).status, 200, path);
});

const asked: [method: 'GET' | 'POST' | 'DELETE', path: string, needs: Scope][] = [
  ['GET', '/v1/runs', 'read'],
  ['GET', '/metrics', 'read'],
  ['GET', '/reports/00000000-0000-4000-8000-000000000000', 'read'],
  ['POST', '/v1/runs', 'write'],
  ['POST', '/v1/annotation-sets/x/annotations', 'write'],
  ['DELETE', '/v1/exports/00000000-0000-4000-8000-000000000000', 'write'],
  ['GET', '/v1/webhooks', 'admin'],
  ['POST', '/v1/webhooks', 'admin'],
];

test('a scope allows what it names and what those before it do', async () => {
  const { ask } = exposed;
  const keys = { read: await keyOf('read'), write: await keyOf('write'), admin: await keyOf('admin') };
  const order = Object.keys(keys) as Scope[];
  for (const [method, path, needs] of asked) {
    for (const scope of order) {
      const { code } = await ask(method, path, bearer(keys[scope]));
      const forbidden = order.indexOf(scope) < order.indexOf(needs);
      assert.equal(code === 'DIPTYCH_FORBIDDEN', forbidden, `${scope}: ${method} ${path}`);
      assert.notEqual(code, 'DIPTYCH_UNAUTHENTICATED');
    }
  }
});

test('every route of the API needs a key, but those that say they do not', async () => {
  const { app, ask } = exposed;
  await app.ready();
  const { paths } = (await ask('GET', '/docs/json')).json as { paths: Record<string, object> };
  const open = [];
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods)) {
      const at = path.replace(/\{[^}]+\}/g, '00000000-0000-4000-8000-000000000000');
      const { status } = await ask(method.toUpperCase() as 'GET', at);
      if (status !== 401) open.push(`${method} ${path}`);
    }
  }
  // Signing in without a key is 400 for the missing body.
  assert.deepEqual(open.sort(), [
    'delete /v1/session',
    'get /healthz',
    'get /readyz',
    'get /v1/session',
    'post /v1/session',
  ]);
});

test('a rotated key goes on for a while, and its successor has its name and scope', async () => {
  const { ask } = exposed;
  const old = await createKey(store, 'robot', 'write');
  const fresh = await rotateKey(store, old.id);
  for (const { key } of [old, fresh]) assert.equal((await ask('GET', '/v1/runs', bearer(key))).status, 200);
  const known = await listKeys(store);
  const [first, second] = [old, fresh].map(({ id }) => known.find((key) => key.id === id)!);
  assert.deepEqual([second!.name, second!.scope, second!.endsAt], ['robot', 'write', null]);
  assert.ok(first!.endsAt! > new Date());
  await execute(databaseUrl, `UPDATE api_key SET ends_at = now() WHERE id = '${old.id}'`);
  assert.equal((await ask('GET', '/v1/runs', bearer(old.key))).status, 401);
  await assert.rejects(rotateKey(store, old.id), { code: 'DIPTYCH_NOT_FOUND' });
  await assert.rejects(revokeKey(store, 'nonsense'), { code: 'DIPTYCH_NOT_FOUND' });
});

test('the last use is noted, and no key is stored', async () => {
  const { ask } = exposed;
  const { id, key } = await createKey(store, 'used', 'read');
  const seen = async () => (await listKeys(store)).find((known) => known.id === id)!.lastUsedAt;
  assert.equal(await seen(), null);
  await ask('GET', '/v1/runs', bearer(key));
  assert.ok(Date.now() - (await seen())!.getTime() < 10_000);
  const rows = await execute(databaseUrl, 'SELECT to_jsonb(api_key)::text AS row FROM api_key');
  assert.ok(rows.length > 0);
  assert.ok(!JSON.stringify(rows).includes(key.slice('diptych_'.length)));
});

test('what is no key is refused, and too many wrong ones from one address are not even looked at', async () => {
  const { ask } = await start({ exposed: true, limits: { requests: 6000, wrongKeys: 5 } });
  const good = await keyOf('read');
  const wrong = [`diptych_${'A'.repeat(43)}`, good.slice(0, -1), '', "' OR 1=1 --", 'diptych_%00'];
  for (const key of wrong) assert.equal((await ask('GET', '/v1/runs', bearer(key))).status, 401, key);
  const { status, code, headers } = await ask('GET', '/v1/runs', bearer(wrong[0]!));
  assert.deepEqual([status, code], [429, 'DIPTYCH_TOO_MANY_REQUESTS']);
  assert.ok(Number(headers['retry-after']) > 0);
  assert.equal((await ask('POST', '/v1/session', {}, { key: wrong[0] })).status, 429);
  assert.equal((await ask('GET', '/v1/runs', bearer(good))).status, 200);
});

test('a key may ask so often a minute, each by itself', async () => {
  const { ask } = await start({ exposed: true, limits: { requests: 3, wrongKeys: 5 } });
  const [one, other] = [await keyOf('read'), await keyOf('read')];
  for (let i = 0; i < 3; i++) assert.equal((await ask('GET', '/v1/runs', bearer(one))).status, 200);
  assert.equal((await ask('GET', '/v1/runs', bearer(one))).code, 'DIPTYCH_TOO_MANY_REQUESTS');
  assert.equal((await ask('GET', '/v1/runs', bearer(other))).status, 200);
});

test('a page signs in with a key, works with its cookie, and signs out', async () => {
  const { ask } = exposed;
  const { id, key } = await createKey(store, 'person', 'read');
  const signedIn = await ask(
    'POST',
    '/v1/session',
    { origin: 'https://diptych.test', host: 'diptych.test' },
    { key },
  );
  assert.deepEqual([signedIn.status, signedIn.json], [200, { needsKey: true, scope: 'read' }]);
  const [cookie] = signedIn.cookies as { name: string; value: string; [flag: string]: unknown }[];
  assert.deepEqual(
    [cookie!.httpOnly, cookie!.sameSite, cookie!.secure, cookie!.path],
    [true, 'Strict', true, '/'],
  );
  assert.notEqual(cookie!.value, key);
  const headers = { cookie: `${cookie!.name}=${cookie!.value}` };
  assert.equal((await ask('GET', '/v1/runs', headers)).status, 200);
  assert.equal((await ask('GET', '/v1/session', headers)).json.scope, 'read');
  // The cookie is no key.
  assert.equal((await ask('GET', '/v1/runs', bearer(cookie!.value))).status, 401);
  await ask('DELETE', '/v1/session', headers);
  assert.equal((await ask('GET', '/v1/runs', headers)).status, 401);

  const again = await ask('POST', '/v1/session', {}, { key });
  const second = { cookie: `${cookie!.name}=${again.cookies[0]!.value}` };
  assert.equal((await ask('GET', '/v1/runs', second)).status, 200);
  await revokeKey(store, id);
  assert.equal((await ask('GET', '/v1/runs', second)).status, 401);
});

test('a service that is running closes when the first key is made, and stays closed when the last is revoked', async () => {
  await noKeys();
  const { ask } = await start();
  assert.equal((await ask('GET', '/v1/runs')).status, 200);
  const { id, key } = await createKey(store, 'first', 'read');
  await until('it asks for a key', async () => (await ask('GET', '/v1/runs')).status === 401);
  assert.equal((await ask('GET', '/v1/runs', bearer(key))).status, 200);
  await revokeKey(store, id);
  assert.equal((await ask('GET', '/v1/runs', bearer(key))).code, 'DIPTYCH_UNAUTHENTICATED');
  const { ask: askLater } = await start();
  assert.equal((await askLater('GET', '/v1/runs')).status, 401);
});

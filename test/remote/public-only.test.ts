/** Where requests to strangers' addresses may go. */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fetch } from 'undici';
import { isPublic, publicOnly, type Resolve } from '../../src/remote/public-only.ts';

const inside = [
  ...['127.0.0.1', '127.9.9.9', '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '0.0.0.0'],
  ...['100.64.0.1', '224.0.0.1', '255.255.255.255', '192.0.2.1', '198.18.0.1'],
  ...['::', '::1', 'fe80::1', 'fc00::1', 'fd12::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:a00:1'],
  ...['64:ff9b::7f00:1', '2001:db8::1', '2002:7f00:1::'],
];
test('private, loopback, link-local, reserved and wrapped addresses are not public', () => {
  for (const address of inside) assert.equal(isPublic(address), false, address);
  for (const address of ['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])
    assert.equal(isPublic(address), true, address);
  assert.equal(isPublic('example.org'), false);
});

async function listen(t: TestContext) {
  let asked = 0;
  const server = http.createServer((request, response) => {
    asked++;
    if (request.url?.startsWith('/to/')) {
      response.writeHead(302, { location: decodeURIComponent(request.url.slice(4)) }).end();
    } else response.end('in');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, asked: () => asked };
}

const get = async (url: string, own?: string, resolve?: Resolve) => {
  const dispatcher = publicOnly(own, resolve);
  try {
    return await (await fetch(url, { dispatcher })).text();
  } catch (thrown) {
    return ((thrown as Error).cause as Error).message;
  } finally {
    await dispatcher.destroy();
  }
};

test('no way of writing a private address leads to a connection', async (t) => {
  const { port, asked } = await listen(t);
  for (const host of [
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
  ])
    assert.match(await get(`http://${host}:${port}/`), /not a public address|is nowhere/, host);
  assert.equal(asked(), 0);
});

test('a name with one private address among public ones is refused', async () => {
  const resolve: Resolve = async () => [
    { address: '8.8.8.8', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ];
  assert.match(
    await get('http://two.test/', undefined, resolve),
    /"two.test" is 10.0.0.1, not a public address/,
  );
});

test('the connection goes to the address that was checked, with one look-up', async (t) => {
  const { port } = await listen(t);
  let looks = 0;
  // The second answer would be the loopback, where a server listens.
  const resolve: Resolve = async () => [{ address: looks++ === 0 ? '192.0.2.1' : '127.0.0.1', family: 4 }];
  assert.match(await get(`http://rebinding.test:${port}/`, undefined, resolve), /not a public address/);
  assert.equal(looks, 1);
});

test('its own server may be private, and what it redirects to may not', async (t) => {
  const [own, other] = [await listen(t), await listen(t)];
  const origin = `http://127.0.0.1:${own.port}`;
  assert.equal(await get(`${origin}/`, origin), 'in');
  const there = encodeURIComponent(`http://127.0.0.1:${other.port}/`);
  assert.match(await get(`${origin}/to/${there}`, origin), /not a public address/);
  assert.equal(other.asked(), 0);
});

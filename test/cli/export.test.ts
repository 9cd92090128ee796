/** `diptych export` against the real API and the score worker's own task. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { openClient } from '../../clients/typescript/client.ts';
import { downloadFile } from '../../clients/typescript/files.ts';
import { useApp } from '../api/app.ts';
import { startLayoutWorker } from '../api/layout-worker.ts';
import { scoredRun } from '../api/scored-run.ts';
import { sha256 } from '../export/made-up.ts';
import { temporaryFolder } from '../temporary.ts';
import { diptych } from './run-command.ts';

const context = await useApp();
const { listen } = context;
const run = await scoredRun(context, 12);
const url = await listen();
const worker = await startLayoutWorker(context);
context.closing.unshift(() => worker.stop());

/** Runs the command; what it says, and whether it went well. */
async function command(...args: string[]): Promise<{ code: number; said: string; result: string }> {
  const { code, stdout, stderr } = await diptych('export', ...args);
  return { code, said: stderr + stdout.trimEnd(), result: stdout };
}

async function contents(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  const hashed = files.map(async (file) => [path.relative(folder, file), sha256(await readFile(file))]);
  return Object.fromEntries(await Promise.all(hashed));
}

test('an export lands in the folder, whole and checked; asked again only what is wrong is fetched', async (t) => {
  const out = path.join(await temporaryFolder(t), 'out');
  const args = [run, '--layout', 'hpdv3', '--out', out, '--url', `${url}/`];
  const first = await command(...args);
  assert.equal(first.code, 0, first.said);
  const files = await contents(out);
  const manifest = JSON.parse(await readFile(path.join(out, 'manifest.json'), 'utf8'));
  const listed = manifest.files.map(({ name, sha256: hash }: Record<string, string>) => [name, hash]);
  const { 'manifest.json': _, ...rest } = files;
  assert.deepEqual(rest, Object.fromEntries(listed));
  assert.match(first.said, new RegExp(`dataset version ${manifest.version}\n`));
  assert.match(
    first.said,
    new RegExp(`${Object.keys(files).length} files, .+, every sha256 is right: ${out}$`),
  );

  // One lost its end, one its content, one came half, and one is not there at all.
  const names = Object.keys(rest).sort();
  await truncate(path.join(out, names[0]!), 3);
  const spoiled = await readFile(path.join(out, names[1]!));
  await writeFile(path.join(out, names[1]!), Buffer.alloc(spoiled.length));
  const whole = await readFile(path.join(out, 'inputs.jsonl'));
  await writeFile(path.join(out, 'inputs.jsonl.partial'), whole.subarray(0, 100));
  await truncate(path.join(out, 'inputs.jsonl'), 0);
  const again = await command(...args);
  assert.equal(again.code, 0, again.said);
  assert.match(again.said, new RegExp(`, ${Object.keys(files).length - 3} of them there before`));
  assert.deepEqual(await contents(out), files);
});

test('options and version go along; what the service refuses is said with its code', async (t) => {
  const out = await temporaryFolder(t);
  const wrong = await command(
    run,
    '--layout',
    'images',
    '--version',
    '0'.repeat(64),
    '--out',
    out,
    '--url',
    url,
  );
  assert.equal(wrong.code, 3);
  assert.match(wrong.said, /^DIPTYCH_CONFLICT: run .+ gives version [0-9a-f]{64}, not 0{64}/);
  const options = JSON.stringify({ pairs: { policy: 'best-worst', margin: 0, ties: 'drop' } });
  const { code } = await command(run, '--layout', 'hpdv3', '--options', options, '--out', out, '--url', url);
  assert.equal(code, 0);
  const { pairs, policy } = JSON.parse(await readFile(path.join(out, 'manifest.json'), 'utf8'));
  assert.deepEqual([pairs, policy.pairs.policy], [12, 'best-worst']);
  const broken = await command(run, '--layout', 'hpdv3', '--options', '{', '--out', out, '--url', url);
  assert.deepEqual([broken.code, broken.said.slice(0, 18)], [2, '--options is "{": ']);
  const bare = await command(run);
  assert.deepEqual([bare.code, bare.said.slice(0, 20)], [2, '--layout is missing\n']);
});

/** A server that answers with these bytes, ranges or not; counts what it was asked for. */
async function serving(t: TestContext, bytes: Buffer) {
  const asked: (string | undefined)[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.headers.range);
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, { connection: 'close' });
    response.end(bytes.subarray(start));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, asked };
}

test('a download that broke off goes on where it stopped', async (t) => {
  const folder = await temporaryFolder(t);
  const bytes = Buffer.from('0123456789');
  const { url: server, asked } = await serving(t, bytes);
  const file = { name: 'a/b', bytes: 10, sha256: sha256(bytes), link: '/b' };
  await mkdir(path.join(folder, 'a'));
  await writeFile(path.join(folder, 'a/b.partial'), '0123');
  assert.equal(await downloadFile(openClient(server), file, folder), 'fetched');
  assert.deepEqual([asked, await readFile(path.join(folder, 'a/b'), 'utf8')], [['bytes=4-'], '0123456789']);
  assert.equal(await downloadFile(openClient(server), file, folder), 'there');
  await appendFile(path.join(folder, 'a/b'), 'x');
  assert.equal(await downloadFile(openClient(server), file, folder), 'fetched');
  assert.deepEqual(await readdir(path.join(folder, 'a')), ['b']);
});

test('bytes that are not those of the hash are refused, and nothing of them stays', async (t) => {
  const folder = await temporaryFolder(t);
  const { url: server } = await serving(t, Buffer.from('something else'));
  const file = { name: 'b', bytes: 14, sha256: sha256(Buffer.from('what was meant')), link: '/b' };
  await assert.rejects(downloadFile(openClient(server), file, folder), {
    code: 'DIPTYCH_BAD_FILE',
    message: `"b" came with sha256 ${sha256(Buffer.from('something else'))}, must be ${file.sha256}; try again`,
  });
  assert.deepEqual(await readdir(folder), []);
});

test('a name that leads out of the folder is refused', async (t) => {
  const folder = await temporaryFolder(t);
  for (const name of ['../b', 'a/../../b', '/etc/b']) {
    const file = { name, bytes: 1, sha256: '', link: '/b' };
    await assert.rejects(
      downloadFile(openClient('http://127.0.0.1:1'), file, folder),
      { code: 'DIPTYCH_BAD_FILE' },
      name,
    );
  }
});

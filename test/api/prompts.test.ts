import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { diptych } from '../cli/run-command.ts';
import { scenes } from '../scenes.ts';
import { useApp } from './app.ts';

const { app, send, listen, folder } = await useApp();

const HEADER = 'item_id,text,proposition_id,dependency,tuple,question_natural_language';
const CSV = `${HEADER}
7,A red hat,1,0,entity - whole (hat),Is there a hat?
7,A red hat,2,1,"attribute - color (hat, red)",Is the hat red?
`;

async function post(set: string, query: string, payload: string) {
  const headers = { 'content-type': 'text/csv' };
  const answer = await app.inject({
    method: 'POST',
    url: `/v1/annotation-sets/${set}/prompts?${query}`,
    payload,
    headers,
  });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

test('a CSV is stored once, and shown with its questions', async () => {
  const counts = (inserted: number, updated: number, unchanged: number) => ({
    status: 200,
    body: { received: 1, inserted, updated, unchanged },
  });
  assert.deepEqual(await post('dpg', 'format=dpg-bench', CSV), counts(1, 0, 0));
  assert.deepEqual(await post('dpg', 'format=dpg-bench', CSV), counts(0, 0, 1));
  assert.deepEqual(
    await post('dpg', 'format=dpg-bench', CSV.replace('Is there', 'Do you see')),
    counts(0, 1, 0),
  );
  const { body } = await send('GET', '/v1/annotation-sets/dpg/annotations');
  const { benchmark } = body.items[0] as { benchmark: { prompt: string; questions: { question: string }[] } };
  assert.equal(benchmark.prompt, 'A red hat');
  assert.deepEqual(
    benchmark.questions.map(({ question }) => question),
    ['Do you see a hat?', 'Is the hat red?'],
  );
});

test('of a file that breaks in its last row nothing is stored, not even the set', async () => {
  const broken = `${CSV}8,A box,1,5,entity - whole (box),Is there a box?\n`;
  const { status, body } = await post('none', 'format=dpg-bench', broken);
  assert.equal(status, 400);
  assert.deepEqual(body.error, {
    code: 'DIPTYCH_BAD_FILE',
    message:
      'line 4, column dependency: names 5, but no question has this id; nothing of the file was stored',
  });
  assert.equal((await send('GET', '/v1/annotation-sets/none/annotations')).status, 404);
});

test('an unknown format or category is refused', async () => {
  for (const query of ['format=geneval', 'format=t2i-compbench&category=smell', 'format=t2i-compbench', '']) {
    const { status, body } = await post('none', query, CSV);
    assert.equal(status, 400, query);
    assert.equal((body.error as { code: string }).code, 'DIPTYCH_INVALID_INPUT');
  }
});

test('the key is checked in records that come by themselves', async () => {
  const [scene] = scenes(1);
  const benchmark = {
    name: 't2i-compbench',
    prompt: 'a red hat',
    category: 'color',
    noun_phrases: ['a red hat'],
  };
  const records = [
    { ...scene, benchmark },
    { ...scene, benchmark: { ...benchmark, noun_phrases: [''] } },
    { ...scene, benchmark: { ...benchmark, category: 'smell' } },
    { ...scene, benchmark: 'none' },
    { ...scene, benchmark: { name: 'dpg-bench', prompt: 'a hat', questions: [] } },
  ];
  const { status, body } = await send('POST', '/v1/annotation-sets/own/annotations', records);
  assert.equal(status, 200);
  assert.deepEqual([body.inserted, body.rejected], [1, 4]);
  assert.deepEqual(
    (body.rejections as { field: string }[]).map(({ field }) => field),
    ['benchmark.noun_phrases[0]', 'benchmark.category', 'benchmark', 'benchmark.questions'],
  );
});

test('diptych ingest sends annotations and prompts, and fails where anything is refused', async () => {
  const url = await listen();
  const file = async (name: string, content: string) => {
    const where = path.join(folder, name);
    await writeFile(where, content);
    return where;
  };
  const csv = await file('dpg.csv', CSV);
  const run = (...args: string[]) => diptych('ingest', ...args, '--url', url).then(({ code }) => code);
  assert.equal(await run(csv, '--set', 'sent', '--format', 'dpg-bench'), 0);
  const lines = await file('color_val.txt', 'a red hat and a blue box\n');
  assert.equal(await run(lines, '--set', 'sent', '--format', 't2i-compbench', '--category', 'color'), 0);
  assert.equal(await run(await file('a.json', JSON.stringify(scenes(2))), '--set', 'sent'), 0);
  const { body } = await send('GET', '/v1/annotation-sets/sent/annotations');
  assert.deepEqual(
    body.items.map(({ img_id }) => img_id),
    ['7', 'color-0001', 's000', 's001'],
  );
  assert.equal(await run(await file('b.json', '[{}]'), '--set', 'sent'), 1);
  assert.equal(await run(lines, '--set', 'sent', '--format', 'dpg-bench'), 3);
  assert.equal(await run(path.join(folder, 'missing.csv'), '--set', 'sent', '--format', 'dpg-bench'), 1);
  assert.equal(await run(csv), 2);
});

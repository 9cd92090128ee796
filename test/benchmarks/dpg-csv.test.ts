import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readBenchmark } from '../../src/benchmarks/read.ts';
import { dpgQuestions } from '../../src/scoring/dpg-questions.ts';

const HEADER =
  'item_id,text,keywords,proposition_id,dependency,category_broad,category_detailed,tuple,question_natural_language';
/** Two prompts: quoted cells with commas, quotes and a line's end in them, as the published file may have. */
const ROWS = [
  'parti1,"A red chair, ""old"", by\na table.",,1,0,entity,whole,entity - whole (chair),Is there a chair?',
  'parti1,"A red chair, ""old"", by\na table.",,2,0,entity,whole,entity - whole (table),Is there a table?',
  'parti1,"A red chair, ""old"", by\na table.",k,3,1,attribute,color,"attribute - color (chair, red)",Is the chair red?',
  'parti1,"A red chair, ""old"", by\na table.",,4,"1, 2",relation,spatial,"relation - spatial (chair, table, by)",Is the chair by the table?',
  '17,A photo of three cats,,1,0,global,,global - (photo),Is this a photo?',
  '17,A photo of three cats,,2,0,entity,whole,entity - whole (cats),Are there cats?',
  '17,A photo of three cats,,3,2,other,count,"other - count (cats, ==3)",Are there three cats?',
];
const csv = (rows: readonly string[] = ROWS) => `${[HEADER, ...rows].join('\n')}\n`;

async function* chunks(bytes: Uint8Array, size = 7) {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}
const read = (text: string | Uint8Array) =>
  readBenchmark(chunks(Buffer.from(text as string)), { format: 'dpg-bench' });

test('rows become prompts with their own questions, dependencies and a graph of their tuples', async () => {
  const [chair, cats] = await read(csv());
  assert.equal(chair!.img_id, 'parti1');
  assert.deepEqual(chair!.items, [
    { item_id: 0, label: 'chair', attributes: ['red'] },
    { item_id: 1, label: 'table', attributes: [] },
  ]);
  assert.deepEqual(chair!.relations, [{ item1: 0, relation: 'by', item2: 1 }]);
  const { benchmark } = chair!;
  assert.equal(benchmark!.prompt, 'A red chair, "old", by\na table.');
  assert.equal(benchmark!.name === 'dpg-bench' && benchmark!.unread_first, true);
  assert.deepEqual(
    dpgQuestions(chair!).map(({ id, dependencies, category, question }) => [
      id,
      dependencies,
      category,
      question,
    ]),
    [
      [1, [], 'entity', 'Is there a chair?'],
      [2, [], 'entity', 'Is there a table?'],
      [3, [1], 'attribute', 'Is the chair red?'],
      [4, [1, 2], 'relation', 'Is the chair by the table?'],
    ],
  );
  assert.deepEqual(
    dpgQuestions(cats!).map(({ category, tuple }) => [category, tuple]),
    [
      ['global', 'global - (photo)'],
      ['entity', 'entity - whole (cats)'],
      ['other', 'other - count (cats, ==3)'],
    ],
  );
  assert.equal('unread_first' in cats!.benchmark!, false);
});

test('gzip, a byte order mark, other line ends and another order of columns change nothing', async () => {
  const plain = await read(csv());
  assert.deepEqual(await read(gzipSync(csv())), plain);
  assert.deepEqual(await read(`\ufeff${csv()}`), plain);
  const swapped = csv(ROWS.slice(4))
    .split('\n')
    .map((line) => line.replace(/^([^,]*),([^,]*)/, '$2,$1'));
  const apart = await read(swapped.join('\r\n'));
  assert.deepEqual(apart[0]!.items, plain[1]!.items);
  assert.equal(apart[0]!.benchmark!.prompt, plain[1]!.benchmark!.prompt);
});

test('what comes again is read as compute_dpg_bench.py reads it: the later rows count', async () => {
  const again = ROWS[0]!.replace('Is there a chair?', 'Is a chair there?');
  const [chair, cats] = await read(csv([...ROWS, again]));
  assert.deepEqual(
    dpgQuestions(chair!).map(({ id, question }) => [id, question]),
    [[1, 'Is a chair there?']],
  );
  assert.deepEqual(chair!.relations, []);
  // Its first question no longer stands in the first row.
  assert.equal('unread_first' in chair!.benchmark!, false);
  assert.equal(dpgQuestions(cats!).length, 3);

  const [, three] = await read(csv([...ROWS, ROWS[6]!.replace('==3', '==4')]));
  assert.deepEqual(
    dpgQuestions(three!).map(({ id, tuple }) => [id, tuple]),
    [
      [1, 'global - (photo)'],
      [2, 'entity - whole (cats)'],
      [3, 'other - count (cats, ==4)'],
    ],
  );
});

/** The file with one row changed (from 0). */
const changed = (row: number, from: string, to: string) => {
  assert.ok(ROWS[row]!.includes(from), `row ${row} has no "${from}"`);
  return csv(ROWS.map((text, i) => (i === row ? text.replace(from, to) : text)));
};

test('what is broken is told by line and column, and nothing of the file is taken', async () => {
  const latin = Buffer.from(csv()).map((byte) => byte);
  latin[csv().indexOf('photo') + 1] = 0xe9;
  const cases: [string | Uint8Array, RegExp][] = [
    ['', /line 2, column item_id|line 1, column item_id/],
    [`${HEADER}\n`, /line 2, column item_id: there is no row/],
    [csv().replace('dependency', 'depends'), /line 1, column dependency: is missing; there are item_id/],
    [csv().replace('keywords', 'text'), /line 1, column text: is there twice/],
    [changed(4, 'Is this', '"Is this'), /line \d+, column .*/],
    [changed(4, ',global -', ',extra,global -'), /line 10, column .*/],
    // The first prompt's cells hold line ends: its four rows are lines 2 to 9.
    [changed(2, ',3,1,', ',x,1,'), /line 6, column proposition_id: is "x", must be a whole number/],
    [
      changed(6, ',3,2,', ',3,two,'),
      /line 12, column dependency: is "two", must be a whole number \(or several/,
    ],
    [changed(6, ',3,2,', ',3,,'), /line 12, column dependency: is "", must be/],
    [changed(6, ',3,2,', ',3,9,'), /line 12, column dependency: names 9, but no question has this id/],
    [changed(5, ',2,0,', ',2,3,'), /line 11, column dependency: go in a circle \(2 on 3 on 2\)/],
    [changed(6, ',3,2,', ',3,3,'), /line 12, column dependency: go in a circle \(3 on 3\)/],
    [changed(5, 'photo of three', 'photo of two'), /line 11, column text: is another one than in line 10/],
    [changed(6, 'Are there three cats?', ''), /line 12, column question_natural_language: is empty/],
    [changed(6, '"other - count (cats, ==3)"', ''), /line 12, column tuple: is empty/],
    [
      changed(5, 'entity - whole (cats)', 'global - (cats)'),
      /line 10, column tuple: is empty; a scene graph has/,
    ],
    [
      changed(4, 'Is this a photo?', 'Is\u0000this?'),
      /line 10, column question_natural_language: contains a NUL/,
    ],
    [latin, /line 10, byte 7 of the line: is no UTF-8/],
    [gzipSync(csv()).subarray(0, 60), /gzip stream is damaged/],
  ];
  for (const [text, message] of cases) {
    await assert.rejects(read(text), { code: 'DIPTYCH_BAD_FILE', message }, String(message));
  }
});

test('a category is for T2I-CompBench alone', async () => {
  const body = () => chunks(Buffer.from(csv()));
  for (const asked of [{ format: 'dpg-bench', category: 'color' }, { format: 't2i-compbench' }] as const) {
    await assert.rejects(readBenchmark(body(), asked), {
      code: 'DIPTYCH_INVALID_INPUT',
      message: /category is/,
    });
  }
});

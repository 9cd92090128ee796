import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nounPhrases } from '../../src/benchmarks/noun-phrases.ts';
import { readBenchmark } from '../../src/benchmarks/read.ts';

async function* body(text: string) {
  yield Buffer.from(text);
}

/** Prompts of the published shapes; the phrases are what spaCy 3.8's en_core_web_sm finds in them. */
const PHRASES: Record<string, string[]> = {
  'a pink lamp and a grey stone': ['a pink lamp', 'a grey stone'],
  'a round coin and a conical paper cup': ['a round coin', 'a conical paper cup'],
  'a leather bag and fluffy slippers': ['a leather bag', 'fluffy slippers'],
  'a duck on the left of a tram': ['a duck', 'a tram'],
  'a spoon on side of a shoe': ['a spoon', 'a shoe'],
  'a duck hidden by a chair': ['a duck', 'a chair'],
  'three spoons, two ducks and one tram': ['three spoons', 'two ducks', 'one tram'],
  'The soft hat was on top of the hard wooden box.': ['The soft hat', 'the hard wooden box'],
  'The blue kite flew above the old stone tower.': ['The blue kite', 'the old stone tower'],
  'A long, narrow green hall with black and white floor tiles.': [
    'A long, narrow green hall',
    'black and white floor tiles',
  ],
  'The grey stone was resting on the brown mat.': ['The grey stone', 'the brown mat'],
};

test('noun phrases of the published shapes', () => {
  for (const [prompt, phrases] of Object.entries(PHRASES)) {
    assert.deepEqual(
      nounPhrases(prompt).map(({ text }) => text),
      phrases,
    );
  }
});

test('the last word is the thing, those before it are attributes, articles and numbers are neither', () => {
  assert.deepEqual(nounPhrases('two small black and white dogs'), [
    { text: 'two small black and white dogs', attributes: ['small', 'black', 'white'], label: 'dogs' },
  ]);
});

test('a line becomes an annotation: its prompt, phrases, items and what stands between them', async () => {
  const [first, second] = await readBenchmark(
    body('a grey duck on the left of a tram\r\n\r\na hat and a box\n'),
    {
      format: 't2i-compbench',
      category: 'spatial',
    },
  );
  assert.deepEqual(first, {
    img_id: 'spatial-0001',
    items: [
      { item_id: 0, label: 'duck', attributes: ['grey'] },
      { item_id: 1, label: 'tram', attributes: [] },
    ],
    relations: [{ item1: 0, relation: 'on the left of', item2: 1 }],
    benchmark: {
      name: 't2i-compbench',
      prompt: 'a grey duck on the left of a tram',
      category: 'spatial',
      noun_phrases: ['a grey duck', 'a tram'],
    },
  });
  assert.equal(second!.img_id, 'spatial-0002');
  assert.deepEqual(second!.relations, []);
});

test('a prompt without a phrase is an item itself and is asked nothing', async () => {
  const [only] = await readBenchmark(body('of and by'), { format: 't2i-compbench', category: 'color' });
  assert.deepEqual(only!.items, [{ item_id: 0, label: 'of and by', attributes: [] }]);
  assert.deepEqual(only!.benchmark, {
    name: 't2i-compbench',
    prompt: 'of and by',
    category: 'color',
    noun_phrases: [],
  });
});

test('broken files are refused with the line', async () => {
  const cases: [string, RegExp][] = [
    ['\n \n', /line 1, column 1: there is no prompt/],
    [`a cat\na ${'x'.repeat(9000)}`, /line 2, column 1: .*has \d+ characters, the most allowed is/],
    ['a cat\na \u0000 dog', /line 2, column 1: .*NUL/],
    ['a cat\n'.repeat(10_000), /line 10000, column 1: a file has at most 9999 prompts/],
  ];
  for (const [text, message] of cases) {
    await assert.rejects(readBenchmark(body(text), { format: 't2i-compbench', category: 'color' }), {
      code: 'DIPTYCH_BAD_FILE',
      message,
    });
  }
});

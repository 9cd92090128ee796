/**
 * BERT's tokenizer: texts worked out by hand from the published algorithm (and transformers' lower-casing, character
 * by character), and files that are not as they should be.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadBertTokenizer, padRows } from '../../src/models/tokenizers/bert-tokenizer.ts';
import { temporaryFolder } from '../temporary.ts';

const VOCAB =
  `[PAD] [UNK] [CLS] [SEP] a red un ##aff ##able ##a ##ff able cafe ? ! - ' $ s ball 中 国 ##中 ##s x ##x \
« ₩ i σας σασ ##σ naive ⁇ [ ]`.split(' ');

async function folderWith(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder(t);
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  return folder;
}
const vocabulary = (tokens = VOCAB, end = '\n') => ({ 'vocab.txt': tokens.join(end) + end });

const texts: [why: string, text: string, tokens: string][] = [
  ['an empty text', '', ''],
  ['lower case', 'A Red BALL', 'a red ball'],
  ['punctuation is split off, one by one', "red?! ball's", "red ? ! ball ' s"],
  ['symbols of ASCII are punctuation', 'red$ball-a', 'red $ ball - a'],
  ['so is every punctuation of Unicode', '«red', '« red'],
  ['other symbols are not', '₩ red₩', '₩ [UNK]'],
  ['the longest beginning wins', 'unaffable', 'un ##aff ##able'],
  ['a word with an unknown rest is unknown as a whole', 'unaffq', '[UNK]'],
  // "#" is punctuation that this vocabulary lacks.
  ['a continuation is none at the beginning', 'able ##able', 'able [UNK] [UNK] able'],
  ['accents go, composed or not', 'Café cafe\u0301 NAÏVE', 'cafe cafe naive'],
  ['a capital I with a dot is an i', 'İ', 'i'],
  ['a capital sigma at the end of a word', 'ΣΑΣ ΣΑς', 'σασ σας'],
  ['Chinese characters stand alone', '中国red中', '中 国 red 中'],
  ['control and zero-width characters vanish', 'r\u000be\u0000d\u200b \ufeffa\ufffd', 'red a'],
  ['white space of every kind', '\tred\u00a0a\nred\ra\u2003red\u2028', 'red a red a red'],
  ['special tokens are text', '[a]', '[ a ]'],
  ['a word of 100 characters', 'x'.repeat(100), ['x', ...Array(99).fill('##x')].join(' ')],
  ['a word of 101 characters is unknown', `${'x'.repeat(101)} a`, '[UNK] a'],
];
for (const [why, text, tokens] of texts) {
  test(`text to tokens: ${why}`, async (t) => {
    const { encode } = await loadBertTokenizer(await folderWith(t, vocabulary()));
    const want = `[CLS] ${tokens} [SEP]`.split(' ').filter(Boolean);
    const got = encode(text, 200).map((id) => VOCAB[id]);
    assert.deepEqual(got, want);
  });
}

test('a long text is cut before [SEP], and short rows are padded to the longest', async (t) => {
  const tokenizer = await loadBertTokenizer(await folderWith(t, vocabulary(VOCAB, '\r\n')));
  const rows = ['a red ball a red ball', 'a'].map((text) => tokenizer.encode(text, 5));
  assert.deepEqual(rows, [
    [2, 4, 5, 19, 3],
    [2, 4, 3],
  ]);
  assert.deepEqual(padRows(tokenizer, rows), {
    ids: [
      [2, 4, 5, 19, 3],
      [2, 4, 3, 0, 0],
    ],
    attended: [
      [1, 1, 1, 1, 1],
      [1, 1, 1, 0, 0],
    ],
  });
});

const config = (fields: object) => ({ ...vocabulary(), 'tokenizer_config.json': JSON.stringify(fields) });
const refused: [what: string, files: Record<string, string>, message: RegExp][] = [
  ['a folder without vocab.txt', {}, /can't read .*vocab\.txt/],
  ['an empty vocabulary', { 'vocab.txt': '' }, /vocab\.txt has no token "\[CLS\]"/],
  ['a vocabulary without [UNK]', vocabulary(VOCAB.with(1, '[unk]')), /vocab\.txt has no token "\[UNK\]"/],
  ['a vocabulary in JSON', { 'vocab.txt': JSON.stringify(VOCAB) }, /vocab\.txt has no token "\[CLS\]"/],
  ['a token that is there twice', vocabulary([...VOCAB, 'red']), /has "red" on line 6 and on line 37/],
  ['a cased tokenizer', config({ do_lower_case: false }), /"do_lower_case" is false; supported: \[true\]/],
  ['one that keeps accents', config({ strip_accents: false }), /"strip_accents" is false/],
  ['a config that is no JSON', { ...vocabulary(), 'tokenizer_config.json': '{' }, /config\.json is not JSON/],
];
for (const [what, files, message] of refused) {
  test(`${what} is refused`, async (t) => {
    await assert.rejects(loadBertTokenizer(await folderWith(t, files)), {
      code: 'DIPTYCH_BAD_MODEL',
      message,
    });
  });
}

test('the config of a published BLIP folder is heeded without complaint', async (t) => {
  const files = config({ do_lower_case: true, strip_accents: null, tokenize_chinese_chars: true });
  const tokenizer = await loadBertTokenizer(await folderWith(t, files));
  assert.deepEqual([tokenizer.clsId, tokenizer.sepId, tokenizer.padId], [2, 3, 0]);
});

/**
 * BERT's uncased WordPiece tokenizer (google-research/bert: tokenization.py; transformers BertTokenizer), which BLIP
 * reads questions with. A text is always text: "[SEP]" in it is punctuation and a word.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { DiptychError } from '../../errors.ts';
import { refuseUnsupported } from '../layers/config-fields.ts';
import { cleaned, readText } from './tokenizer-text.ts';

export interface BertTokenizer {
  clsId: number;
  sepId: number;
  padId: number;
  /** Of every token by its text. */
  ids: ReadonlyMap<string, number>;
  /** [CLS], the text's tokens, [SEP]; a text of more than maxLength ids is cut before [SEP]. */
  encode(text: string, maxLength: number): number[];
}

export interface PaddedRows {
  /** Rows of equal length. */
  ids: number[][];
  /** 1 for a token, 0 for padding. */
  attended: number[][];
}

/** A longer word is unknown as a whole. In characters. */
const LONGEST_WORD = 100;
/** One character of punctuation (every ASCII symbol counts), or a run of anything else. */
const PIECES = /[\p{P}!-/:-@[-`{-~]|[^\s\p{P}!-/:-@[-`{-~]+/gu;

/**
 * Reads vocab.txt, one token a line, and heeds tokenizer_config.json where there is one. Throws DIPTYCH_BAD_MODEL
 * for a vocabulary that lacks a special token or has a token twice, and for a tokenizer of another kind.
 */
export async function loadBertTokenizer(folder: string): Promise<BertTokenizer> {
  if (existsSync(path.join(folder, 'tokenizer_config.json'))) {
    refuseUnsupported('BERT tokenizer', await readJson(folder, 'tokenizer_config.json'), {
      do_lower_case: [true],
      strip_accents: [null, true],
      tokenize_chinese_chars: [true],
    });
  }
  const vocab = parseVocab(await readText(folder, 'vocab.txt'), path.join(folder, 'vocab.txt'));
  const [clsId, sepId, padId, unknownId] = ['[CLS]', '[SEP]', '[PAD]', '[UNK]'].map((token) => {
    const id = vocab.get(token);
    if (id !== undefined) return id;
    throw new DiptychError('DIPTYCH_BAD_MODEL', `${path.join(folder, 'vocab.txt')} has no token "${token}"`);
  }) as [number, number, number, number];
  return {
    ...{ clsId, sepId, padId, ids: vocab },
    encode(text, maxLength) {
      // One by one, as transformers does: a capital sigma at the end of a word becomes a plain one.
      const lower = [...text].map((character) => character.toLowerCase()).join('');
      const plain = cleaned(lower)
        .normalize('NFD')
        .replace(/\p{Mn}/gu, '');
      const ids = (plain.match(PIECES) ?? []).flatMap((word) => wordPieces(vocab, word) ?? [unknownId]);
      return [clsId, ...ids.slice(0, maxLength - 2), sepId];
    },
  };
}

/** Rows filled up to the longest one. */
export function padRows({ padId }: BertTokenizer, rows: readonly (readonly number[])[]): PaddedRows {
  const length = Math.max(...rows.map((row) => row.length));
  const fill = (row: readonly number[], value: number) => Array<number>(length - row.length).fill(value);
  return {
    ids: rows.map((row) => [...row, ...fill(row, padId)]),
    attended: rows.map((row) => [...row.map(() => 1), ...fill(row, 0)]),
  };
}

/** The longest known beginning, then the longest known continuation, and so on; null where none is known. */
function wordPieces(vocab: ReadonlyMap<string, number>, word: string): number[] | null {
  const characters = [...word];
  if (characters.length > LONGEST_WORD) return null;
  const ids: number[] = [];
  let start = 0;
  while (start < characters.length) {
    const prefix = start === 0 ? '' : '##';
    let end = characters.length;
    while (end > start && !vocab.has(prefix + characters.slice(start, end).join(''))) end--;
    if (end === start) return null;
    ids.push(vocab.get(prefix + characters.slice(start, end).join(''))!);
    start = end;
  }
  return ids;
}

function parseVocab(text: string, file: string): Map<string, number> {
  const vocab = new Map<string, number>();
  for (const [id, token] of text
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .entries()) {
    const first = vocab.get(token);
    if (first !== undefined) {
      throw new DiptychError(
        'DIPTYCH_BAD_MODEL',
        `${file} has "${token}" on line ${first + 1} and on line ${id + 1}: which id is meant?`,
      );
    }
    vocab.set(token, id);
  }
  return vocab;
}

async function readJson(folder: string, name: string): Promise<Record<string, unknown>> {
  const text = await readText(folder, name);
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (thrown) {
    throw new DiptychError('DIPTYCH_BAD_MODEL', `${path.join(folder, name)} is not JSON`, { cause: thrown });
  }
}

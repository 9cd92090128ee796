/**
 * The sample model's tokenizer files in CLIP's format (vocab.json, merges.txt): byte-level BPE learnt on
 * the sample world's own words until each of them is one token. Any other text still encodes, as bytes.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const WORD_END = '</w>';

/** GPT-2's printable stand-in for each byte, in the order in which CLIP numbers them. */
function byteSymbols(): string[] {
  const printable = [...range(33, 126), ...range(161, 172), ...range(174, 255)];
  const rest = range(0, 255).filter((byte) => !printable.includes(byte));
  return [
    ...printable.map((byte) => String.fromCharCode(byte)),
    ...rest.map((_, i) => String.fromCharCode(256 + i)),
  ];
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Byte-pair merges (most frequent pair first, ties by text) until every word is a single symbol. */
export function learnMerges(words: readonly string[]): [string, string][] {
  let pieces = words.map((word) => {
    const symbols = [...word];
    symbols[symbols.length - 1] += WORD_END;
    return symbols;
  });
  const merges: [string, string][] = [];
  while (pieces.some((symbols) => symbols.length > 1)) {
    const counts = new Map<string, number>();
    for (const symbols of pieces) {
      for (let i = 0; i + 1 < symbols.length; i++) {
        const pair = `${symbols[i]} ${symbols[i + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const [best] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]!;
    const [left, right] = best.split(' ') as [string, string];
    merges.push([left, right]);
    pieces = pieces.map((symbols) => mergePair(symbols, left, right));
  }
  return merges;
}

function mergePair(symbols: string[], left: string, right: string): string[] {
  const merged: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) {
      merged.push(left + right);
      i++;
    } else merged.push(symbols[i]!);
  }
  return merged;
}

export interface TokenizerFiles {
  vocab: Record<string, number>;
  merges: [string, string][];
}

export function buildTokenizer(words: readonly string[]): TokenizerFiles {
  const bytes = byteSymbols();
  const merges = learnMerges([...new Set(words)].sort());
  const tokens = [
    ...bytes,
    ...bytes.map((symbol) => symbol + WORD_END),
    ...merges.map(([left, right]) => left + right),
    '<|startoftext|>',
    '<|endoftext|>',
  ];
  return { vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges };
}

/** Writes `tokenizer/` as transformers' CLIPTokenizer reads it. */
export async function writeTokenizer(
  folder: string,
  files: TokenizerFiles,
  maxLength: number,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const special = {
    bos_token: '<|startoftext|>',
    eos_token: '<|endoftext|>',
    unk_token: '<|endoftext|>',
    pad_token: '<|endoftext|>',
  };
  const write = (name: string, text: string) => writeFile(path.join(folder, name), text);
  await write('vocab.json', `${JSON.stringify(files.vocab)}\n`);
  await write('merges.txt', ['#version: 0.2', ...files.merges.map((pair) => pair.join(' ')), ''].join('\n'));
  await write('special_tokens_map.json', `${JSON.stringify(special, null, 2)}\n`);
  await write(
    'tokenizer_config.json',
    `${JSON.stringify({ tokenizer_class: 'CLIPTokenizer', model_max_length: maxLength, do_lower_case: true, add_prefix_space: false, ...special }, null, 2)}\n`,
  );
}

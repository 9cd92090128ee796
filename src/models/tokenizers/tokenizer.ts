/**
 * CLIP's byte-level BPE tokenizer, from vocab.json and merges.txt. Texts on which published tokenizers
 * disagree follow transformers' slow CLIPTokenizer without ftfy.
 */
import { cleaned, readText } from './tokenizer-text.ts';

export interface ClipTokenizer {
  bosId: number;
  eosId: number;
  padId: number;
  maxLength: number;
  /** BOS, the text's tokens, EOS: at most maxLength ids; a longer text is cut before EOS. */
  unpadded(text: string): number[];
  /** The same and padding: exactly maxLength ids. */
  encode(text: string): number[];
}

const WORD_END = '</w>';
/** Contractions, letters, single digits, everything else: openai/CLIP's own pattern. */
const PIECES = /<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/giu;

export async function loadTokenizer(folder: string): Promise<ClipTokenizer> {
  const vocab = JSON.parse(await readText(folder, 'vocab.json')) as Record<string, number>;
  const lines = (await readText(folder, 'merges.txt')).split('\n').slice(1).filter(Boolean);
  const config = JSON.parse(await readText(folder, 'tokenizer_config.json')) as Record<string, unknown>;
  const ranks = new Map(lines.map((line, rank) => [line, rank]));
  const idOf = (key: string, fallback: string) => vocab[tokenText(config[key]) ?? fallback]!;
  const bosId = idOf('bos_token', '<|startoftext|>');
  const eosId = idOf('eos_token', '<|endoftext|>');
  const padId = idOf('pad_token', '<|endoftext|>');
  const unknownId = idOf('unk_token', '<|endoftext|>');
  const maxLength = config.model_max_length as number;
  const known = new Map<string, number[]>();

  function encodePiece(piece: string): number[] {
    const special = piece === '<|startoftext|>' ? bosId : piece === '<|endoftext|>' ? eosId : undefined;
    if (special !== undefined) return [special];
    const cached = known.get(piece);
    if (cached) return cached;
    const symbols = [...new TextEncoder().encode(piece)].map((byte) => BYTE_SYMBOLS[byte]!);
    symbols[symbols.length - 1] += WORD_END;
    const ids = mergeByRank(symbols, ranks).map((symbol) => vocab[symbol] ?? unknownId);
    known.set(piece, ids);
    return ids;
  }

  function unpadded(text: string): number[] {
    // Punctuation stays where it is: BPE has its own pattern.
    const ids = (cleaned(text).match(PIECES) ?? []).flatMap(encodePiece).slice(0, maxLength - 2);
    return [bosId, ...ids, eosId];
  }

  return {
    bosId,
    eosId,
    padId,
    maxLength,
    unpadded,
    encode: (text) => padded(unpadded(text), maxLength, padId),
  };
}

/** Ids and padding behind them, `length` in all. */
export const padded = (ids: readonly number[], length: number, padId: number): number[] => [
  ...ids,
  ...Array<number>(length - ids.length).fill(padId),
];

/** A special token is a string, or an object that holds it. */
function tokenText(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null
    ? (value as { content?: string }).content
    : (value as string | undefined);
}

/** Joins the best-ranked neighbouring pair, everywhere it stands, until no pair has a rank. */
function mergeByRank(start: string[], ranks: ReadonlyMap<string, number>): string[] {
  let symbols = start;
  while (symbols.length > 1) {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < symbols.length; i++) {
      best = Math.min(best, ranks.get(`${symbols[i]} ${symbols[i + 1]}`) ?? best);
    }
    if (best === Number.POSITIVE_INFINITY) break;
    const merged: string[] = [];
    for (let i = 0; i < symbols.length; i++) {
      if (ranks.get(`${symbols[i]} ${symbols[i + 1]}`) === best) merged.push(symbols[i]! + symbols[++i]!);
      else merged.push(symbols[i]!);
    }
    symbols = merged;
  }
  return symbols;
}

/** GPT-2's printable stand-in for each byte. */
const BYTE_SYMBOLS: readonly string[] = (() => {
  const isPrintable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(isPrintable(b) ? b : next++));
})();

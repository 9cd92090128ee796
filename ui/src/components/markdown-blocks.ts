/** The little Markdown that dataset cards are written in, as blocks. What it does not know stays text. Pure. */

export type Inline =
  | string
  | { kind: 'code' | 'strong' | 'em'; text: string }
  | { kind: 'link'; text: string; href: string };

export type Block =
  | { kind: 'heading'; level: number; text: Inline[] }
  | { kind: 'paragraph'; text: Inline[] }
  | { kind: 'list'; items: Inline[][] }
  | { kind: 'code'; text: string }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] };

/** The YAML between the first two lines of `---` is left out. */
export function blocksOf(markdown: string): Block[] {
  const lines = markdown.replace(/^---\n[\s\S]*?\n---\n/, '').split('\n');
  const blocks: Block[] = [];
  /** Takes lines while they are of a kind. */
  const take = (is: RegExp): string[] => {
    const end = lines.findIndex((line) => !is.test(line));
    return lines.splice(0, end < 0 ? lines.length : end);
  };
  while (lines.length > 0) {
    const line = lines[0]!;
    const heading = /^(#{1,6}) (.*)$/.exec(line);
    if (line.trim() === '') lines.shift();
    else if (heading) {
      lines.shift();
      blocks.push({ kind: 'heading', level: heading[1]!.length, text: inlinesOf(heading[2]!) });
    } else if (line.startsWith('```')) {
      lines.shift();
      const end = lines.findIndex((one) => one.startsWith('```'));
      const text = lines.splice(0, end < 0 ? lines.length : end).join('\n');
      lines.shift();
      blocks.push({ kind: 'code', text });
    } else if (/^[-*] /.test(line)) {
      blocks.push({ kind: 'list', items: take(/^[-*] /).map((one) => inlinesOf(one.slice(2))) });
    } else if (line.startsWith('|')) {
      const [head, , ...rows] = take(/^\|/).map(cellsOf);
      blocks.push({ kind: 'table', head: head!, rows });
    } else {
      // The first line is taken whatever it is, so that there is an end.
      const text = [lines.shift()!, ...take(/^(?!\s*$|#{1,6} |```|[-*] |\|)/)].join(' ');
      blocks.push({ kind: 'paragraph', text: inlinesOf(text) });
    }
  }
  return blocks;
}

const cellsOf = (line: string): Inline[][] =>
  line
    .replace(/^\||\|\s*$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => inlinesOf(cell.trim().replaceAll('\\|', '|')));

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|_([^_]+)_(?!\w)|\[([^\]]+)\]\((https?:\/\/[^)\s]+)\)/g;

function inlinesOf(text: string): Inline[] {
  const parts: Inline[] = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, code, strong, em, name, href] = found;
    // An underscore inside of a word is one.
    if (em !== undefined && /\w$/.test(text.slice(0, found.index))) continue;
    if (found.index > at) parts.push(text.slice(at, found.index));
    at = found.index + whole.length;
    if (code !== undefined) parts.push({ kind: 'code', text: code });
    else if (strong !== undefined) parts.push({ kind: 'strong', text: strong });
    else if (em !== undefined) parts.push({ kind: 'em', text: em });
    else parts.push({ kind: 'link', text: name!, href: href! });
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

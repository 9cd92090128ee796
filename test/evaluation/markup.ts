/** Just enough of an HTML parser to check a page: elements with attributes and text, and strict about nesting. */
import assert from 'node:assert/strict';

export interface Element {
  name: string;
  attributes: Record<string, string>;
  children: (Element | string)[];
}

const VOID = new Set(['meta', 'img', 'br', 'link', 'input', 'hr']);
const ENTITIES: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#9632': '\u25a0',
  uarr: '\u2191',
  darr: '\u2193',
  '#39': "'",
};

function decoded(text: string): string {
  assert.doesNotMatch(text, /[<>]/, 'a bare angle bracket');
  return text.replace(/&([^;\s]*);?/g, (whole, name: string) => {
    const value = ENTITIES[name];
    assert.ok(value !== undefined && whole.endsWith(';'), `the reference ${whole}`);
    return value;
  });
}

/** Throws on anything that is not well formed. */
export function parseHtml(html: string): Element {
  const root: Element = { name: '', attributes: {}, children: [] };
  const open = [root];
  const tag = /<(\/?)([a-z0-9]+)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*(\/?)>/gi;
  let at = 0;
  const body = html.replace(/^<!doctype html>\s*/i, '');
  for (const match of body.matchAll(tag)) {
    const [whole, closing, name, attributes, selfClosing] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
    ];
    const current = open.at(-1)!;
    const text = body.slice(at, match.index);
    if (text) current.children.push(current.name === 'style' ? text : decoded(text));
    at = match.index + whole.length;
    if (closing) {
      assert.equal(current.name, name, `</${name}> closes <${current.name}>`);
      open.pop();
      continue;
    }
    const element: Element = { name, attributes: {}, children: [] };
    for (const [, key, value] of attributes.matchAll(/([\w-]+)(?:="([^"]*)")?/g)) {
      assert.ok(!(key! in element.attributes), `${name} has ${key} twice`);
      element.attributes[key!] = decoded(value ?? '');
    }
    current.children.push(element);
    if (!selfClosing && !VOID.has(name)) open.push(element);
  }
  assert.equal(body.slice(at).trim(), '');
  assert.deepEqual(
    open.map(({ name }) => name),
    [''],
    'an element is not closed',
  );
  return root;
}

/** All elements in document order, of one name when given. */
export function elements(root: Element, name?: string): Element[] {
  return root.children.flatMap((child) => {
    if (typeof child === 'string') return [];
    const below = elements(child, name);
    return name === undefined || child.name === name ? [child, ...below] : below;
  });
}

export function textOf(element: Element): string {
  return element.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');
}

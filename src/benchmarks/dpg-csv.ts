/** DPG-Bench's dpg_bench.csv (TencentQQGYLab/ELLA): one row per question, the rows of a prompt behind each other. */
import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import type { Annotation, Item, Relation } from '../annotations/annotation.ts';
import type { GivenQuestion } from '../annotations/benchmark.ts';
import { validateAnnotation } from '../annotations/validate.ts';
import { badFile } from './bench-text.ts';

/** Those that are read; keywords, category_broad and category_detailed repeat the tuple and are not. */
const COLUMNS = [
  'item_id',
  'text',
  'proposition_id',
  'dependency',
  'tuple',
  'question_natural_language',
] as const;
type Row = Record<(typeof COLUMNS)[number], string> & { line: number };

/**
 * Annotations by item_id. What is there twice is read as compute_dpg_bench.py reads it: rows of an item that come again
 * behind others are the item anew, a question whose proposition_id comes again takes the place of the earlier one.
 * Throws DIPTYCH_BAD_FILE with line and column of the first thing that is wrong.
 */
export function readDpgCsv(text: string): Annotation[] {
  const rows = readRows(text);
  if (rows.length === 0) throw badFile(2, 'column item_id', 'there is no row behind the header');
  const items = new Map<string, Row[]>();
  let previous: Row | undefined;
  for (const row of rows) {
    if (row.item_id !== previous?.item_id) items.set(row.item_id, [row]);
    else {
      if (row.text !== previous.text) {
        throw wrong(
          row,
          'text',
          `is another one than in line ${previous.line}, of the same item_id "${row.item_id}"`,
        );
      }
      items.get(row.item_id)!.push(row);
    }
    previous = row;
  }
  return [...items.values()].map((of) => annotationOf(of, of[0] === rows[0]));
}

const wrong = ({ line }: Row, column: (typeof COLUMNS)[number], reason: string) =>
  badFile(line, `column ${column}`, reason);

function readRows(text: string): Row[] {
  try {
    const found = parse<Row>(text, { bom: true, columns: checkedHeader, info: true, skip_empty_lines: true });
    return (found as unknown as { record: Row; info: { lines: number } }[]).map(({ record, info }) => {
      const breaks = Object.values(record).join('').split('\n').length - 1;
      return { ...record, line: info.lines - breaks };
    });
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown;
    throw badFile(thrown.lines as number, `column ${String(thrown.column)}`, thrown.message);
  }
}

function checkedHeader(header: string[]): string[] {
  const names = header.map((name) => name.trim());
  const missing = COLUMNS.find((name) => !names.includes(name));
  if (missing) throw badFile(1, `column ${missing}`, `is missing; there are ${names.join(', ')}`);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw badFile(1, `column ${twice}`, 'is there twice');
  return names;
}

function annotationOf(given: readonly Row[], first: boolean): Annotation {
  const byId = new Map(given.map((row) => [wholeNumber(row, 'proposition_id', row.proposition_id), row]));
  const rows = [...byId.values()];
  const questions = rows.map(
    (row): GivenQuestion => ({
      id: wholeNumber(row, 'proposition_id', row.proposition_id),
      // 0 stands for none.
      dependencies: row.dependency
        .split(',')
        .map((id) => wholeNumber(row, 'dependency', id))
        .filter((id) => id !== 0),
      tuple: row.tuple,
      question: row.question_natural_language,
    }),
  );
  const { items, relations } = graphOf(rows);
  const annotation: Annotation = {
    img_id: rows[0]!.item_id,
    items,
    relations,
    benchmark: {
      name: 'dpg-bench',
      prompt: rows[0]!.text,
      questions,
      ...(first && { unread_first: true }),
    },
  };
  const { problem } = validateAnnotation(annotation);
  if (!problem) return annotation;
  const [, index = '0', key = ''] = /^benchmark\.questions\[(\d+)\]\.(\w+)/.exec(problem.field) ?? [];
  throw wrong(
    rows[Number(index)]!,
    COLUMN_OF[key || problem.field.replace(/\[.*/, '')] ?? 'tuple',
    problem.reason,
  );
}

/** Columns by what is made of them; items and relations come from the tuples. */
const COLUMN_OF: Record<string, (typeof COLUMNS)[number]> = {
  img_id: 'item_id',
  'benchmark.prompt': 'text',
  id: 'proposition_id',
  dependencies: 'dependency',
  question: 'question_natural_language',
};

function wholeNumber(row: Row, column: 'proposition_id' | 'dependency', text: string): number {
  const plain = text.trim();
  if (/^\d{1,9}$/.test(plain)) return Number(plain);
  const more = column === 'dependency' ? ' (or several with commas between them, 0 for none)' : '';
  throw wrong(row, column, `is "${row[column].slice(0, 60)}", must be a whole number${more}`);
}

/**
 * The graph that the tuples tell, for the metrics that look at graphs: entities are items, their attributes and states
 * attributes, relations between two entities relations. Whatever else there is stays a question only.
 */
function graphOf(rows: readonly Row[]): { items: Item[]; relations: Relation[] } {
  const tuples = rows.map((row) => {
    const [, head = '', inside = ''] = /^([^(]*)\((.*)\)\s*$/s.exec(row.tuple) ?? [];
    return { kind: head.split('-')[0]!.trim(), parts: inside.split(',').map((part) => part.trim()) };
  });
  const items = new Map<string, Item>();
  for (const { kind, parts } of tuples) {
    const label = parts[0]!;
    if (kind === 'entity' && label !== '' && !items.has(label)) {
      items.set(label, { item_id: items.size, label, attributes: [] });
    }
  }
  const relations: Relation[] = [];
  for (const { kind, parts } of tuples) {
    const [subject, second, relation] = [items.get(parts[0]!), parts[1], parts.slice(2).join(', ')];
    if (!subject || !second) continue;
    const object = items.get(second);
    if (kind === 'relation' && object && relation) {
      relations.push({ item1: subject.item_id, relation, item2: object.item_id });
    } else if (kind === 'attribute' || kind === 'entity') subject.attributes.push(second);
  }
  return { items: [...items.values()], relations };
}

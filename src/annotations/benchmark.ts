/**
 * What a benchmark gives with a prompt of its own: an annotation that carries it is drawn from this prompt and asked
 * these questions, in the place of those made of its graph.
 */
import { array, Invalid, integer, MAX_NAME, MAX_TEXT, object, quote, text } from './checks.ts';

/** A yes/no question of DPG-Bench (TencentQQGYLab/ELLA dpg_bench). */
export interface GivenQuestion {
  /** The CSV's proposition_id, from 1. */
  id: number;
  /** Ids of the questions that must be answered yes for this one to count. */
  dependencies: number[];
  /** "attribute - color (chair, red)": its category, and what it is about. */
  tuple: string;
  question: string;
}

/** T2I-CompBench(++), by the names of its files: color_val.txt, … */
export const T2I_CATEGORIES = [
  'color',
  'shape',
  'texture',
  'spatial',
  '3d_spatial',
  'numeracy',
  'non_spatial',
  'complex',
] as const;
export type T2iCategory = (typeof T2I_CATEGORIES)[number];

export interface DpgBenchPrompt {
  name: 'dpg-bench';
  prompt: string;
  questions: GivenQuestion[];
  /** Its first question stood in the CSV's first row, which the published code never reads. */
  unread_first?: boolean;
}

export interface T2iCompbenchPrompt {
  name: 't2i-compbench';
  prompt: string;
  category: T2iCategory;
  /** In order; each is asked for as "PHRASE?". */
  noun_phrases: string[];
}

export type Benchmark = DpgBenchPrompt | T2iCompbenchPrompt;

export const MAX_QUESTIONS = 256;
export const MAX_PHRASES = 64;

/** Throws Invalid. */
export function checkBenchmark(value: unknown): void {
  const benchmark = object(value, 'benchmark');
  if (benchmark.name !== 'dpg-bench' && benchmark.name !== 't2i-compbench') {
    throw new Invalid(
      'benchmark.name',
      `is ${quote(benchmark.name)}, must be "dpg-bench" or "t2i-compbench"`,
    );
  }
  text(benchmark.prompt, 'benchmark.prompt', MAX_TEXT);
  if (benchmark.name === 'dpg-bench') {
    const { questions, unread_first: unread } = benchmark;
    checkQuestions(questions);
    if (unread !== undefined && typeof unread !== 'boolean') {
      throw new Invalid('benchmark.unread_first', `is ${quote(unread)}, must be true or false`);
    }
  } else {
    if (!T2I_CATEGORIES.includes(benchmark.category as T2iCategory)) {
      throw new Invalid(
        'benchmark.category',
        `is ${quote(benchmark.category)}, must be one of ${T2I_CATEGORIES.join(', ')}`,
      );
    }
    const phrases = array(benchmark.noun_phrases, 'benchmark.noun_phrases', MAX_PHRASES);
    for (const [i, phrase] of phrases.entries()) text(phrase, `benchmark.noun_phrases[${i}]`, MAX_NAME);
  }
}

function checkQuestions(value: unknown): void {
  const at = 'benchmark.questions';
  const questions = array(value, at, MAX_QUESTIONS);
  if (questions.length === 0) throw new Invalid(at, 'is empty; a prompt is judged by at least one');
  for (const [i, raw] of questions.entries()) {
    const question = object(raw, `${at}[${i}]`);
    integer(question.id, `${at}[${i}].id`);
    text(question.tuple, `${at}[${i}].tuple`, MAX_TEXT);
    text(question.question, `${at}[${i}].question`, MAX_TEXT);
    const parents = array(question.dependencies, `${at}[${i}].dependencies`, MAX_QUESTIONS);
    for (const [j, parent] of parents.entries()) integer(parent, `${at}[${i}].dependencies[${j}]`);
  }
  const wrong = wrongQuestion(questions as GivenQuestion[]);
  if (wrong) throw new Invalid(`${at}[${wrong.index}].${wrong.key}`, wrong.reason);
}

/** The first question that repeats an id, depends on one that is not there, or in the end on itself. */
export function wrongQuestion(
  questions: readonly GivenQuestion[],
): { index: number; key: 'id' | 'dependencies'; reason: string } | undefined {
  const byId = new Map<number, GivenQuestion>();
  for (const [index, question] of questions.entries()) {
    if (byId.has(question.id)) {
      return { index, key: 'id', reason: `is ${question.id}, which an earlier question has already` };
    }
    byId.set(question.id, question);
  }
  for (const [index, { dependencies }] of questions.entries()) {
    const unknown = dependencies.find((id) => !byId.has(id));
    if (unknown !== undefined) {
      return { index, key: 'dependencies', reason: `names ${unknown}, but no question has this id` };
    }
  }
  for (const [index, { id }] of questions.entries()) {
    const chain = chainToItself(id, byId);
    if (chain) {
      return {
        index,
        key: 'dependencies',
        reason: `go in a circle (${chain.join(' on ')}): none of these could count before the others`,
      };
    }
  }
  return undefined;
}

/** The ids from a question over what it depends on back to itself. */
function chainToItself(start: number, byId: ReadonlyMap<number, GivenQuestion>): number[] | undefined {
  const seen = new Set<number>();
  const open = [[start]];
  for (let chain = open.pop(); chain; chain = open.pop()) {
    for (const parent of byId.get(chain.at(-1)!)!.dependencies) {
      if (parent === start) return [...chain, parent];
      if (seen.has(parent)) continue;
      seen.add(parent);
      open.push([...chain, parent]);
    }
  }
  return undefined;
}

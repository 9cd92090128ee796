/**
 * An export of this project that has the layout "images": what it was made from is in inputs.jsonl, line by line, and
 * images and scene graphs are in the Parquet files. Each is held against the other, and the whole against the dataset
 * version, so that what comes in is what went out. What filters left out (dropped.jsonl) has no row and doesn't come in.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { validateAnnotation } from '../annotations/validate.ts';
import { asError, DiptychError } from '../errors.ts';
import { annotationHash, type DatasetPolicy, FORMAT, VOTES_POLICY } from '../export/dataset-version.ts';
import { DROPPED } from '../export/dropped.ts';
import { INPUTS, MANIFEST } from '../export/export.ts';
import { imageColumns } from '../export/layouts/images.ts';
import { importedVoter, SPLITS } from '../export/rows.ts';
import type { Generation } from '../store/candidates.ts';
import type { ImportedVote } from '../store/imported.ts';
import type { SourceFile } from './files.ts';
import type { ReadAnnotation, ReadCandidate } from './imported.ts';
import { type LeftOut, leftOut, NONE_LEFT_OUT } from './left-out.ts';
import { linesOf } from './lines.ts';
import { type ReadRow, readParquet } from './parquet-file.ts';

const Text = Type.String();
const Maybe = (type: typeof Text | ReturnType<typeof Type.Number>) => Type.Union([type, Type.Null()]);
const Header = Type.Object({
  format: Type.Literal(FORMAT),
  reward: Type.Unknown(),
  pairs: Type.Unknown(),
  scores: Type.Record(Text, Type.String({ pattern: '^[^/]+/[^/]+$' })),
  votes: Type.Literal(VOTES_POLICY),
  filters: Type.Optional(Type.Unknown()),
});
const Line = Type.Object({
  annotation: Text,
  sha256: Text,
  candidates: Type.Array(
    Type.Object({
      slot: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
      seed: Type.Union([Type.Integer(), Type.Null()]),
      sha256: Text,
      width: Type.Integer(),
      height: Type.Integer(),
      generation: Type.Object({
        model: Text,
        modelHash: Maybe(Text),
        sampler: Maybe(Text),
        steps: Maybe(Type.Number()),
        guidance: Maybe(Type.Number()),
      }),
      scores: Type.Record(Text, Type.Number()),
    }),
  ),
  votes: Type.Array(
    Type.Object({
      voter: Type.String({ pattern: '^[0-9]{1,19}$' }),
      slots: Type.Array(Type.Integer(), { minItems: 2, uniqueItems: true }),
      ranking: Type.Array(Type.Integer()),
      outcome: Type.Optional(Type.Enum(['both-good', 'both-bad'])),
    }),
  ),
});
const Manifest = Type.Object({
  version: Text,
  source: Type.Object({
    run: Text,
    votes: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
    facts: Type.Record(Text, Text),
  }),
});

/** Where an export came from: what it says of itself when it is made again. */
export interface Origin {
  run: string;
  /** The revision of its votes. */
  votes: number;
  /** In their order, which an object would lose in the store. */
  facts: [name: string, value: string][];
}

export interface DiptychExport {
  version: string;
  origin: Origin;
  policy: DatasetPolicy;
  /** Ends with DIPTYCH_BAD_FILE where the whole is not of the version that it claims. */
  annotations: AsyncGenerator<ReadAnnotation>;
}

/** A line holds an annotation's candidates with their scores, never text or images. */
const MAX_LINE_BYTES = 2 ** 20;
const MAX_MANIFEST_BYTES = 2 ** 28;
const NEEDED = ['annotation_id', 'image_index', 'prompt', 'scene_graph', 'image'];
const COLUMNS = imageColumns([])
  .filter(({ name }) => NEEDED.includes(name))
  .map(({ name, type }) => ({ name, type, required: true }));

const bad = (place: string, problem: string, cause?: unknown) =>
  new DiptychError('DIPTYCH_BAD_FILE', `${place}: ${problem}`, { cause });

export async function openDiptych(files: readonly SourceFile[]): Promise<DiptychExport> {
  const named = (name: string) => {
    const file = files.find((one) => one.name === name);
    if (file) return file;
    throw bad(name, 'is missing; import the folder that `diptych export --layout images` wrote');
  };
  const manifest = named(MANIFEST);
  if (manifest.bytes > MAX_MANIFEST_BYTES)
    throw bad(MANIFEST, `has ${manifest.bytes} bytes, which is too much`);
  const { version, source } = parsed(await readFile(manifest.path, 'utf8'), Manifest, MANIFEST);
  const inputs = named(INPUTS).path;
  for await (const line of linesOf(inputs, INPUTS, MAX_LINE_BYTES)) {
    const header = parsed(line, Header, `${INPUTS}, line 1`);
    const out = header.filters === undefined ? NONE_LEFT_OUT : leftOut(named(DROPPED).path, DROPPED);
    const policy = header as unknown as DatasetPolicy;
    return {
      version,
      origin: { run: source.run, votes: source.votes, facts: Object.entries(source.facts) },
      policy,
      annotations: read(files, inputs, out, policy, version, source.votes),
    };
  }
  throw bad(INPUTS, 'is empty');
}

async function* read(
  files: readonly SourceFile[],
  inputs: string,
  out: LeftOut,
  { scores }: DatasetPolicy,
  version: string,
  revision: number,
): AsyncGenerator<ReadAnnotation> {
  const splits = SPLITS.map((split): SplitRows => ({ rows: rowsOf(files, `images/data/${split}-`) }));
  try {
    for (const split of splits) await advance(split);
    yield* readLines(splits, inputs, out, scores, version, revision);
    await out.end();
  } finally {
    // Those that are not at their end hold a file.
    for (const { rows } of splits) await rows.return(undefined);
    await out.close();
  }
}

async function* readLines(
  splits: readonly SplitRows[],
  inputs: string,
  out: LeftOut,
  scores: DatasetPolicy['scores'],
  version: string,
  revision: number,
): AsyncGenerator<ReadAnnotation> {
  const whole = createHash('sha256');
  let [number, voted] = [0, 0];
  for await (const text of linesOf(inputs, INPUTS, MAX_LINE_BYTES)) {
    whole.update(`${text}\n`);
    if (++number === 1) continue;
    const place = `${INPUTS}, line ${number}`;
    const line = parsed(text, Line, place);
    if (line.candidates.length === 0) throw bad(place, 'has no candidate');
    const votes = votesOf(line, (problem) => bad(place, problem));
    voted += votes.length;
    if (voted > revision)
      throw bad(place, `has more votes than the revision ${revision} of ${MANIFEST} can have`);
    // By the caption in some exports, which the line does not have.
    const stream = splits.find(({ head }) => head?.values.annotation_id === line.annotation) ?? splits[0]!;
    const candidates: ReadCandidate[] = [];
    let content: ReadAnnotation['content'] = null;
    for (const candidate of line.candidates) {
      if (await out.has(line.annotation, candidate.slot)) continue;
      const row = stream.head;
      if (!row)
        throw bad(place, `has candidate ${candidate.slot} of "${line.annotation}", of which there is no row`);
      content = contentOf(row, line, candidate.slot);
      candidates.push(candidateOf(row, candidate, scores));
      await advance(stream);
    }
    const there = new Set(candidates.map(({ slot }) => slot));
    const onThese = votes.filter(({ slots }) => slots.every((slot) => there.has(slot)));
    if (candidates.length > 0) yield { imgId: line.annotation, content, candidates, votes: onThese };
  }
  for (const { head } of splits) {
    if (head) throw head.fail('annotation_id', `is "${head.values.annotation_id}", which ${INPUTS} has not`);
  }
  const found = whole.digest('hex');
  if (found !== version) throw bad(INPUTS, `is of version ${found}, ${MANIFEST} says ${version}`);
}

interface SplitRows {
  rows: AsyncGenerator<ReadRow, undefined>;
  /** Absent after the last. */
  head?: ReadRow | undefined;
}

async function advance(split: SplitRows): Promise<void> {
  split.head = (await split.rows.next()).value;
}

function votesOf(
  { candidates, votes }: Static<typeof Line>,
  fail: (problem: string) => DiptychError,
): ImportedVote[] {
  const there = new Set(candidates.map(({ slot }) => slot));
  const seen = new Set<string>();
  return votes.map(({ voter, slots, ranking, outcome }) => {
    const ranked = ranking.length > 0 && ranking.toSorted((a, b) => a - b).join() === slots.join();
    const none = ranking.length === 0 && outcome !== undefined;
    const vote = `${voter}: ${slots}`;
    if (!slots.every((slot) => there.has(slot)) || !(ranked || none) || seen.has(vote))
      throw fail(`has a vote of ${voter} on slots ${slots}, which can't be`);
    seen.add(vote);
    return { voter: importedVoter(voter), slots, ranking, outcome: outcome ?? 'ranking' };
  });
}

/** The rows of a split, through all of its files. */
async function* rowsOf(files: readonly SourceFile[], prefix: string): AsyncGenerator<ReadRow, undefined> {
  for (const { name, path } of files) {
    if (name.startsWith(prefix) && name.endsWith('.parquet')) yield* readParquet(path, name, COLUMNS);
  }
}

function contentOf(
  { values, fail }: ReadRow,
  line: Static<typeof Line>,
  slot: number,
): ReadAnnotation['content'] {
  const { annotation_id: imgId, image_index: index, prompt, scene_graph: graph } = values;
  if (imgId !== line.annotation)
    throw fail('annotation_id', `is "${imgId}", ${INPUTS} has "${line.annotation}" here`);
  if (index !== slot) throw fail('image_index', `is ${index}, ${INPUTS} has ${slot} here`);
  const found = validateAnnotation(jsonOf(graph as string, (problem) => fail('scene_graph', problem)));
  if (found.problem) throw fail('scene_graph', `${found.problem.field} ${found.problem.reason}`);
  const content = { body: found.annotation, prompt: prompt as string };
  const same = content.body.img_id === imgId && annotationHash(content) === line.sha256;
  if (!same) throw fail('scene_graph', `with its prompt is not what ${INPUTS} has a hash of`);
  return content;
}

function candidateOf(
  { values, fail }: ReadRow,
  { scores, generation, slot, seed, ...claimed }: Static<typeof Line>['candidates'][number],
  versions: DatasetPolicy['scores'],
): ReadCandidate {
  const own = Object.entries(scores).map(([metric, value]) => {
    const [mode, version] = (versions[metric] ?? '').split('/');
    if (!version)
      throw fail('annotation_id', `has a score "${metric}", whose version ${INPUTS} does not name`);
    return { metric, mode: mode!, version, value, evidence: {} };
  });
  return {
    ...{
      slot,
      seed,
      bytes: values.image as Uint8Array,
      claimed,
      scores: own,
      generation: generation as Generation,
    },
    fail: (problem) => fail('image', problem),
  };
}

function parsed<T extends typeof Header | typeof Line | typeof Manifest>(
  text: string,
  schema: T,
  place: string,
): Static<T> {
  const value = jsonOf(text, (problem) => bad(place, problem));
  if (Check(schema, value)) return value as Static<T>;
  throw bad(place, `is not what format ${FORMAT} has there; was it written by a newer version?`);
}

function jsonOf(text: string, fail: (problem: string) => DiptychError): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw fail(`is no JSON: ${asError(thrown).message}`);
  }
}

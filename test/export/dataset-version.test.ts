/** What is another dataset version, and what is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  canonicalJson,
  type DatasetPolicy,
  readVersion,
  versionOf,
} from '../../src/export/dataset-version.ts';
import type { ExportAnnotation } from '../../src/export/rows.ts';
import { madeUp, POLICY, sha256, stream } from './made-up.ts';

const { annotations } = await madeUp(5);
const of = (list: readonly ExportAnnotation[], policy: DatasetPolicy = POLICY) =>
  readVersion(policy, stream(list));
const original = await of(annotations);

test('the version is the sha256 of the lines, a policy and then an annotation each', () => {
  const version = versionOf(POLICY);
  const lines = [version.header, ...annotations.map((annotation) => version.add(annotation))];
  assert.equal(version.end().version, sha256(Buffer.from(lines.join(''))));
  assert.ok(lines.every((line) => line.endsWith('}\n') && !line.slice(0, -1).includes('\n')));
  assert.deepEqual(JSON.parse(lines[0]!), { format: 3, ...POLICY, votes: 'majority' });
  const { annotation, candidates } = JSON.parse(lines[1]!);
  assert.deepEqual([annotation, candidates.length], ['img-0000', 4]);
  assert.deepEqual(candidates[2].scores, annotations[0]!.candidates[2]!.scores);
});

/** A copy with one thing changed. */
function changed(change: (list: ExportAnnotation[]) => unknown): ExportAnnotation[] {
  const copy = structuredClone(annotations);
  change(copy);
  return copy;
}

const CHANGES: Record<string, [parts: string[], change: (list: ExportAnnotation[]) => unknown]> = {
  'the prompt': [['annotations'], (list) => (list[1]!.prompt += '.')],
  'the scene graph': [['annotations'], (list) => (list[1]!.body.items[0]!.label = 'sphere')],
  'an image': [['candidates'], (list) => (list[1]!.candidates[0]!.sha256 = '0'.repeat(64))],
  'a seed': [['candidates'], (list) => (list[1]!.candidates[0]!.seed = 1)],
  'how it was made': [['candidates'], (list) => (list[1]!.candidates[0]!.generation.steps = 21)],
  'a score': [['scores'], (list) => (list[1]!.candidates[0]!.scores.dpg! += 1e-12)],
  'a vote': [['votes'], (list) => list[1]!.votes.push({ voter: 'ada', slots: [0, 1], ranking: [1, 0] })],
  'a candidate less': [['candidates', 'scores'], (list) => list[1]!.candidates.pop()],
  'an annotation less': [['annotations', 'candidates', 'scores'], (list) => list.pop()],
  'the order': [['annotations', 'candidates', 'scores'], (list) => list.reverse()],
};
for (const [what, [parts, change]] of Object.entries(CHANGES)) {
  test(`${what} makes another version, and its part says so`, async () => {
    const { version, ...rest } = await of(changed(change));
    assert.notEqual(version, original.version);
    const differing = Object.entries(rest).filter(
      ([part, { sha256: hash }]) => hash !== original[part as 'scores'].sha256,
    );
    assert.deepEqual(
      differing.map(([part]) => part),
      parts,
    );
  });
}

test('votes are in it without names and in an order of their own', async () => {
  const votes = [
    { voter: 'bob', slots: [0, 1], ranking: [] },
    { voter: 'ada', slots: [3, 2], ranking: [2, 3] },
  ];
  const turned = [{ ...votes[1]!, slots: [2, 3] }, votes[0]!];
  const version = (given: ExportAnnotation['votes']) => of(changed((list) => (list[0]!.votes = given)));
  assert.deepEqual(await version(votes), await version(turned));
  assert.equal((await version(votes)).votes.count, 2);
  const line = versionOf(POLICY).add({ ...annotations[0]!, votes });
  assert.ok(!line.includes('ada') && !line.includes('bob'));
});

test('the reward, the pairs and the scores that count are part of the version', async () => {
  const others: DatasetPolicy[] = [
    { ...POLICY, reward: { policy: 'zmean', weights: { dpg: 1 } } },
    { ...POLICY, pairs: { ...POLICY.pairs, margin: 0.1 } },
    { ...POLICY, scores: { ...POLICY.scores, dpg: 'fixed/2' } },
  ];
  const versions = await Promise.all(others.map(async (policy) => (await of(annotations, policy)).version));
  assert.equal(new Set([original.version, ...versions]).size, 4);
});

test('the order of keys, and rewards, which follow from the rest, are no part of it', async () => {
  const turned = changed((list) => {
    const one = list[1]!.candidates[0]!;
    one.scores = Object.fromEntries(Object.entries(one.scores).reverse());
    one.reward = 99;
  });
  assert.deepEqual(await of(turned), original);
  assert.equal(canonicalJson({ b: [{ d: 1, c: null }], a: 'ü' }), '{"a":"ü","b":[{"c":null,"d":1}]}');
});

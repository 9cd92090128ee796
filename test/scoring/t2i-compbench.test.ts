import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Annotation } from '../../src/annotations/annotation.ts';
import { promptText } from '../../src/annotations/prompt.ts';
import type { ScoringMode } from '../../src/scoring/metric.ts';
import { blipVqa, compbenchClip, spatial2d } from '../../src/scoring/t2i-compbench.ts';
import { threeInOne } from '../../src/scoring/three-in-one.ts';
import { graph, measured, subject, type Tables, tablePorts } from './ports.ts';

const close = (got: number | undefined, want: number) =>
  assert.ok(got !== undefined && Math.abs(got - want) < 1e-12, `${got}, expected ${want}`);
const box = (label: string, confidence: number, x: number, y: number) => ({
  label,
  confidence,
  box: [x - 10, y - 10, x + 10, y + 10] as const,
});

const spatial = (annotation: ReturnType<typeof graph>, tables: Tables, mode: ScoringMode) =>
  measured(spatial2d, subject(annotation), tablePorts(tables), mode);

test('BLIP-VQA is the product of P(yes) over the items as questions', async () => {
  const annotation = graph(['red cup', 'blue plate', 'spoon']);
  const yes = { 'red cup?': 0.5, 'blue plate?': 0.8, 'spoon?': 0.123456 };
  const fixed = await measured(blipVqa, subject(annotation), tablePorts({ yes }), 'fixed');
  close(fixed!.value, 0.5 * 0.8 * 0.123456);
  const compat = await measured(blipVqa, subject(annotation), tablePorts({ yes }), 'compat');
  close(compat!.value, 0.5 * 0.8 * 0.1235);
  assert.deepEqual(compat!.evidence, {
    answerer: 'table-answerer',
    questions: [
      { question: 'red cup?', yes: 0.5 },
      { question: 'blue plate?', yes: 0.8 },
      { question: 'spoon?', yes: 0.1235 },
    ],
  });
});

test('compat asks about the first eight items only', async () => {
  const words = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  const yes = Object.fromEntries(words.map((word) => [`${word}?`, word === 'i' ? 0 : 1]));
  const ports = tablePorts({ yes });
  assert.equal((await measured(blipVqa, subject(graph(words)), ports, 'fixed'))!.value, 0);
  assert.equal((await measured(blipVqa, subject(graph(words)), ports, 'compat'))!.value, 1);
});

test('2D spatial: a quarter of each confidence, half for the position', async () => {
  const annotation = graph(['red cup', 'plate'], [[0, 'on the left of', 1]]);
  const [left, right] = [box('red cup', 0.8, 100, 240), box('plate', 0.6, 400, 240)];
  close((await spatial(annotation, { boxes: [left, right] }, 'fixed'))!.value, 0.2 + 0.15 + 0.5);
  const swapped = [box('red cup', 0.8, 400, 240), box('plate', 0.6, 100, 240)];
  close((await spatial(annotation, { boxes: swapped }, 'fixed'))!.value, 0.35);
  close((await spatial(annotation, { boxes: [right] }, 'fixed'))!.value, 0.15);
  close((await spatial(annotation, { boxes: [] }, 'fixed'))!.value, 0);
  // The best box of a label counts.
  const worse = box('red cup', 0.7, 400, 240);
  close((await spatial(annotation, { boxes: [left, worse, right] }, 'fixed'))!.value, 0.85);
});

test('2D spatial in compat: labels alone are looked for, and scores below a half become 0', async () => {
  const annotation = graph(['red cup', 'plate'], [[0, 'on the left of', 1]]);
  const boxes = [box('cup', 0.8, 100, 240), box('plate', 0.6, 400, 240)];
  close((await spatial(annotation, { boxes }, 'compat'))!.value, 0.85);
  close((await spatial(annotation, { boxes }, 'fixed'))!.value, 0.15);
  const swapped = [box('cup', 0.8, 400, 240), box('plate', 0.6, 100, 240)];
  close((await spatial(annotation, { boxes: swapped }, 'compat'))!.value, 0);
  // Exactly a half stays.
  const sure = [box('cup', 1, 400, 240), box('plate', 1, 100, 240)];
  close((await spatial(annotation, { boxes: sure }, 'compat'))!.value, 0.5);
});

test('"on top of" is never right in compat and means above when fixed', async () => {
  const annotation = graph(['cup', 'plate'], [[0, 'on top of', 1]]);
  const boxes = [box('cup', 0.9, 240, 100), box('plate', 0.9, 240, 400)];
  close((await spatial(annotation, { boxes }, 'fixed'))!.value, 0.95);
  const compat = await spatial(annotation, { boxes }, 'compat');
  close(compat!.value, 0);
  assert.equal((compat!.evidence.relations as { position: number }[])[0]!.position, 0);
});

test('fixed takes the mean over all spatial relations, compat the first; other relations have no say', async () => {
  const annotation = graph(
    ['cup', 'plate', 'fork'],
    [
      [0, 'holding', 1],
      [0, 'on the left of', 1],
      [2, 'on the left of', 1],
    ],
  );
  const boxes = [box('cup', 1, 100, 240), box('plate', 1, 240, 240), box('fork', 1, 400, 240)];
  const fixed = await spatial(annotation, { boxes }, 'fixed');
  close(fixed!.value, (1 + 0.5) / 2);
  assert.deepEqual(fixed!.evidence.detector, 'table-detector');
  assert.deepEqual(
    (fixed!.evidence.relations as Record<string, unknown>[]).map(({ relation, position, score }) => [
      relation,
      position,
      score,
    ]),
    [
      ['on the left of', 1, 1],
      ['on the left of', 0, 0.5],
    ],
  );
  close((await spatial(annotation, { boxes }, 'compat'))!.value, 1);
  assert.equal(await spatial(graph(['cup', 'plate'], [[0, 'holding', 1]]), { boxes }, 'fixed'), null);
  assert.equal(await spatial(graph(['cup']), { boxes }, 'fixed'), null);
});

test('distances count by the shorter side of the image', async () => {
  const annotation = graph(['cup', 'plate'], [[0, 'near', 1]]);
  const boxes = [box('cup', 1, 0, 0), box('plate', 1, 200, 200)];
  const at = async (width: number, height: number) =>
    (await measured(spatial2d, subject(annotation, width, height), tablePorts({ boxes }), 'fixed'))!.value;
  // 200 pixels of 480 are 200 in the frame; of 640 on the shorter side they are 150, of 960 they are 100.
  close(await at(480, 900), 0.5 + 0.5 * (150 / 200));
  close(await at(640, 700), 1);
  close(await at(960, 1200), 1);
  close(await at(240, 480), 0.5 + 0.5 * (150 / 400));
});

test('the CLIP part drops the attributes from the prompt', async () => {
  const annotation = graph(['small red cup', 'old plate', 'tall tree'], [[0, 'on', 1]]);
  const ports = tablePorts({ cosines: { 'cup on plate tree': 0.25 } });
  assert.deepEqual(await compbenchClip.score([subject(annotation)], ports, 'fixed'), [
    { value: 0.25, evidence: { scorer: 'table-clip', text: 'cup on plate tree' } },
  ]);
});

test('3-in-1: fixed decides by the relations, compat takes thirds of every graph', () => {
  const parts = { blip: 0.5, spatial: 0.25, clip: 0.75 };
  const without = { ...parts, spatial: null };
  const all = graph(
    ['cup', 'plate'],
    [
      [0, 'left of', 1],
      [1, 'above', 0],
    ],
  );
  const some = graph(
    ['cup', 'plate'],
    [
      [0, 'left of', 1],
      [1, 'holding', 0],
    ],
  );
  const none = graph(['cup', 'plate'], [[1, 'holding', 0]]);
  assert.deepEqual(threeInOne(all, parts, 'fixed'), { value: 0.375, rule: 'spatial' });
  assert.deepEqual(threeInOne(some, parts, 'fixed'), { value: 0.5, rule: 'thirds' });
  assert.deepEqual(threeInOne(none, without, 'fixed'), { value: 0.625, rule: 'action' });
  assert.deepEqual(threeInOne(graph(['cup']), without, 'fixed'), { value: 0.625, rule: 'action' });
  for (const annotation of [all, some, none]) {
    assert.deepEqual(threeInOne(annotation, parts, 'compat'), { value: 0.5, rule: 'thirds' });
  }
  const { value, rule } = threeInOne(none, without, 'compat');
  close(value, 1.25 / 3);
  assert.equal(rule, 'thirds');
});

/** A prompt of the benchmark with the graph of its phrases. */
const ofBenchmark = (category: 'color' | 'complex', prompt: string, phrases: string[]): Annotation => ({
  ...graph(['red hat', 'old box'], [[0, 'was on top of', 1]]),
  benchmark: { name: 't2i-compbench', prompt, category, noun_phrases: phrases },
});

test('a prompt of the benchmark is asked its noun phrases, and compared as its category has it', async () => {
  const prompt = 'The red hat was on top of the old box.';
  const plain = 'The hat was on top of the box.';
  const tables = {
    yes: { 'The red hat?': 0.5, 'the old box?': 0.4 },
    cosines: { [prompt]: 0.3, [plain]: 0.2 },
  };
  for (const [category, cosine] of [
    ['color', 0.3],
    ['complex', 0.2],
  ] as const) {
    const one = subject(ofBenchmark(category, prompt, ['The red hat', 'the old box']));
    close((await measured(blipVqa, one, tablePorts(tables), 'fixed'))!.value, 0.2);
    close((await measured(compbenchClip, one, tablePorts(tables), 'fixed'))!.value, cosine);
    assert.equal(promptText(one.annotation), prompt);
  }
});

test('a complex prompt has the 3-in-1 rule of its list in both modes', () => {
  const parts = { blip: 0.9, spatial: 0.3, clip: 0.6 };
  for (const [prompt, rule, value] of [
    ['The soft hat is on top of the hard box.', 'spatial', 0.6],
    ['The soft hat was next to the hard box. It sat near a cat.', 'spatial', 0.6],
    ['The blue kite flew over the grey tower.', 'action', 0.75],
    ['The blue kite hung next to the grey tower.', 'thirds', 0.6],
  ] as const) {
    for (const mode of ['fixed', 'compat'] as const) {
      const got = threeInOne(ofBenchmark('complex', prompt, []), parts, mode);
      assert.equal(got.rule, rule, prompt);
      close(got.value, value);
    }
  }
  const missing = { ...parts, spatial: null };
  close(threeInOne(ofBenchmark('complex', 'A hat is near it', []), missing, 'fixed').value, 0.45);
});

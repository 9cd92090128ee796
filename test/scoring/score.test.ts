import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiptychError, type ErrorCode } from '../../src/errors.ts';
import type { ScoringPorts } from '../../src/scoring/ports.ts';
import { METRIC_NAMES, metricNames, scoreImages } from '../../src/scoring/score.ts';
import { graph, optionalTablePorts, subject, tablePorts } from './ports.ts';

const spatial = graph(['red cup', 'plate'], [[0, 'left of', 1]]);
const action = graph(['cup', 'hand'], [[1, 'holds', 0]]);
const box = (label: string, x: number) => ({ label, confidence: 1, box: [x, 0, x + 10, 10] as const });
const ports = tablePorts({
  yes: {
    'Is there a cup?': 1,
    'Is there a plate?': 1,
    'Is there a hand?': 1,
    'Is there a red cup?': 0,
    'Is there a cup left of a plate?': 1,
    'Is there a hand holds a cup?': 1,
    'red cup?': 0.5,
    'cup?': 0.5,
    'plate?': 0.5,
    'hand?': 0.5,
  },
  boxes: [box('red cup', 0), box('plate', 300)],
  cosines: { 'red cup left of plate': 0.375, 'cup left of plate': 0.25, 'hand holds cup': 0.75 },
});

test('every metric is stored raw with its version, mode and evidence, 3-in-1 made of its parts', async () => {
  const [result] = await scoreImages([subject(spatial)], ports, 'fixed');
  const { scores, failures } = result!;
  assert.deepEqual(failures, []);
  assert.deepEqual(
    scores.map(({ metric, value }) => [metric, value]),
    [
      ['dpg', 0.75],
      ['sg-iou', 1],
      ['entity-iou', 1],
      ['relation-iou', 1],
      ['t2i-blip-vqa', 0.25],
      ['t2i-2d-spatial', 1],
      ['t2i-clip', 0.25],
      ['clip-score', 0.375],
      ['pickscore', 0.375],
      ['t2i-3in1', 0.625],
    ],
  );
  assert.deepEqual(
    scores.map(({ metric }) => metric),
    metricNames(ports),
  );
  for (const { metric, version, mode, evidence } of scores) {
    assert.match(version, /^\d+$/, metric);
    assert.equal(mode, 'fixed');
    assert.deepEqual(JSON.parse(JSON.stringify(evidence)), evidence, `${metric}: evidence is plain JSON`);
  }
  assert.deepEqual(scores.at(-1)!.evidence, { blip: 0.25, spatial: 1, clip: 0.25, rule: 'spatial' });
});

test('a metric that says nothing about an image is left out, and each image keeps its own scores', async () => {
  const results = await scoreImages([subject(action), subject(spatial), subject(action)], ports, 'compat');
  const rows = results.map(({ scores }) => scores);
  const names = rows.map((scores) => scores.map(({ metric }) => metric));
  assert.deepEqual(
    names[0],
    metricNames(ports).filter((name) => name !== 't2i-2d-spatial'),
  );
  assert.deepEqual(names[2], names[0]);
  const value = (row: number, name: string) => rows[row]!.find(({ metric }) => metric === name)!.value;
  assert.equal(value(0, 't2i-clip'), 0.75);
  assert.equal(value(1, 't2i-clip'), 0.25);
  // compat: thirds, with 0 for the missing 2D score.
  assert.ok(Math.abs(value(0, 't2i-3in1') - (0.25 + 0 + 0.75) / 3) < 1e-12);
  assert.ok(rows.flat().every(({ mode }) => mode === 'compat'));
});

test('of an annotation that is a caption alone, what asks about items says nothing', async () => {
  const caption = { img_id: 'c', items: [], relations: [], caption_ori: 'a cat' };
  const cats = tablePorts({ cosines: { 'a cat': 0.5 } });
  const [alone] = await scoreImages([subject(caption)], cats, 'compat');
  assert.deepEqual(
    alone!.scores.map(({ metric }) => metric),
    ['clip-score', 'pickscore'],
  );
  const mixed = { ...ports, clip: both(ports.clip, cats.clip), pick: both(ports.pick, cats.pick) };
  const [first, second] = await scoreImages([subject(caption), subject(action)], mixed, 'fixed');
  const [usual] = await scoreImages([subject(action)], ports, 'fixed');
  assert.deepEqual([first!.scores.length, second], [2, usual]);
});

/** Answers from the second where the text is a caption. */
const both = (graphs: ScoringPorts['clip'], captions: ScoringPorts['clip']): ScoringPorts['clip'] => ({
  name: graphs.name,
  score: async (images, texts) =>
    (
      await Promise.all(
        texts.map((text, i) => (text === 'a cat' ? captions : graphs).score([images[i]!], [text])),
      )
    ).flat(),
});

test('what has a port of its own is measured where the port is there, and named by it', async () => {
  const tables = { cosines: { 'red cup left of plate': 0.125 }, rates: { 'red cup left of plate': 5 } };
  const { hps, aesthetic, imageReward } = optionalTablePorts(tables);
  const measured = async (more: object) => {
    const [result] = await scoreImages([subject(spatial)], { ...ports, ...more }, 'fixed');
    const { scores } = result!;
    assert.deepEqual(
      scores.map(({ metric }) => metric),
      metricNames(more),
    );
    return Object.fromEntries(scores.map(({ metric, value }) => [metric, value]));
  };
  const always = await measured({});
  assert.deepEqual(await measured({ aesthetic }), { ...always, aesthetic: 5 });
  assert.deepEqual(await measured({ hps, imageReward }), { ...always, hpsv2: 0.125, 'image-reward': 5 });
  assert.deepEqual(Object.keys(await measured({ hps, aesthetic, imageReward })), METRIC_NAMES);
  // A setting that is empty chooses nothing.
  assert.deepEqual(metricNames({ hps: undefined, aesthetic: null }), Object.keys(always));
});

test('metrics that ask the same questions ask them once', async () => {
  const asked: string[] = [];
  const counting: ScoringPorts = {
    ...ports,
    answerer: {
      name: 'counting',
      answer(image, questions) {
        asked.push(...questions);
        return ports.answerer.answer(image, questions);
      },
    },
  };
  await scoreImages([subject(spatial)], counting, 'fixed');
  assert.deepEqual(asked.length, new Set(asked).size);
  assert.ok(asked.includes('Is there a cup left of a plate?'));
});

test('no images, no scores', async () => {
  assert.deepEqual(await scoreImages([], ports, 'fixed'), []);
});

test('an image that fails alone keeps its other scores and its reasons, and the others lose nothing', async () => {
  const [bad, good] = [subject(spatial), subject(spatial)];
  const refusing = (code: ErrorCode): ScoringPorts => ({
    ...ports,
    answerer: {
      name: 'refusing',
      async answer(image, questions) {
        if (image === bad.image) throw new DiptychError(code, 'the endpoint refused');
        return ports.answerer.answer(image, questions);
      },
    },
  });
  const [failed, whole] = await scoreImages([bad, good], refusing('DIPTYCH_ITEM_FAILED'), 'fixed');
  assert.deepEqual(failed!.failures, [
    { metric: 'dpg', reason: 'the endpoint refused' },
    { metric: 'sg-iou', reason: 'the endpoint refused' },
    { metric: 'entity-iou', reason: 'the endpoint refused' },
    { metric: 'relation-iou', reason: 'the endpoint refused' },
    { metric: 't2i-blip-vqa', reason: 'the endpoint refused' },
  ]);
  assert.deepEqual(
    failed!.scores.map(({ metric }) => metric),
    ['t2i-2d-spatial', 't2i-clip', 'clip-score', 'pickscore'],
  );
  assert.deepEqual(whole!.failures, []);
  assert.equal(whole!.scores.length, metricNames(ports).length);
  // What is wrong for all is not one image's failure.
  await assert.rejects(scoreImages([bad, good], refusing('DIPTYCH_BAD_MODEL'), 'fixed'), {
    code: 'DIPTYCH_BAD_MODEL',
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aesthetic, imageReward } from '../../src/scoring/image-rating.ts';
import { hpsV2 } from '../../src/scoring/image-text.ts';
import { graph, optionalTablePorts, subject, tablePorts } from './ports.ts';

const subjects = [subject(graph(['red cup', 'plate'], [[0, 'on', 1]])), subject(graph(['old house']))];
const texts = ['red cup on plate', 'old house'];

test('ratings are stored as they are, with the rater and the text', async () => {
  const rates = { [texts[0]!]: 5.5, [texts[1]!]: -0.25 };
  for (const [metric, port, name] of [
    [aesthetic, 'aesthetic', 'aesthetic'],
    [imageReward, 'imageReward', 'image-reward'],
  ] as const) {
    assert.equal(metric.name, name);
    const ports = { ...tablePorts({}), [port]: optionalTablePorts({ rates })[port] };
    assert.deepEqual(await metric.score(subjects, ports, 'fixed'), [
      { value: 5.5, evidence: { rater: `table-${name}`, text: texts[0] } },
      { value: -0.25, evidence: { rater: `table-${name}`, text: texts[1] } },
    ]);
  }
});

test('HPSv2 is the raw cosine of its own model', async () => {
  const { hps } = optionalTablePorts({ cosines: { [texts[1]!]: 0.25 } });
  const ports = { ...tablePorts({}), hps };
  assert.deepEqual(await hpsV2.score(subjects.slice(1), ports, 'compat'), [
    { value: 0.25, evidence: { scorer: 'table-hps', text: 'old house', scaled: 25 } },
  ]);
});

/** The reader's answers about painted scenes against what was painted, true and false questions alike. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/random.ts';
import { paint } from '../../src/sample-world/painter.ts';
import { sampleAnswerer } from '../../src/sample-world/ports.ts';
import { type Placement, type Scene, sampleScene } from '../../src/sample-world/scenes.ts';
import { COLOURS, RADIUS, RELATIONS, SHAPES, SIZES } from '../../src/sample-world/vocabulary.ts';
import { dpgQuestions } from '../../src/scoring/dpg-questions.ts';

const SCENES = 240;

interface Asked {
  kind: string;
  question: string;
  truth: boolean;
}

const sizeOf = ({ radius }: Placement) => (radius <= RADIUS.small[1] ? 'small' : 'large');
const name = ({ colour, shape }: Placement) => `${colour} ${shape}`;

/** What the painter's own numbers say, by the meaning of the words. */
function holds(a: Placement, relation: string, b: Placement): boolean {
  const [dx, dy] = [a.x - b.x, a.y - b.y];
  if (relation === 'left of') return dx < 0 && -dx > Math.abs(dy);
  if (relation === 'right of') return dx > 0 && dx > Math.abs(dy);
  if (relation === 'above') return dy < 0 && -dy > Math.abs(dx);
  return dy > 0 && dy > Math.abs(dx);
}

/** Every question about presence in this world's words, and all relations of two painted shapes. */
function questionsAbout({ annotation, layout }: Scene): Asked[] {
  const asked: Asked[] = dpgQuestions(annotation).map(({ question, category }) => ({
    kind: `graph's ${category}`,
    question,
    truth: true,
  }));
  const ask = (kind: string, words: string, test: (p: Placement) => boolean) =>
    asked.push({ kind, question: `Is there a ${words}?`, truth: layout.some(test) });
  for (const shape of SHAPES) {
    ask('shape', shape, (p) => p.shape === shape);
    for (const size of SIZES) ask('size', `${size} ${shape}`, (p) => p.shape === shape && sizeOf(p) === size);
    for (const colour of COLOURS)
      ask('colour', `${colour} ${shape}`, (p) => p.shape === shape && p.colour === colour);
    const count = layout.filter((p) => p.shape === shape).length;
    asked.push({ kind: 'count', question: `Are there at least 2 of: ${shape}?`, truth: count >= 2 });
  }
  for (const a of layout) {
    for (const b of layout) {
      if (a === b) continue;
      for (const relation of RELATIONS) {
        const question = `Is there a ${name(a)} ${relation} a ${name(b)}?`;
        asked.push({ kind: 'relation', question, truth: holds(a, relation, b) });
      }
    }
  }
  return asked;
}

test('the reader is right on at least 97% of true and of false questions of every kind', async (t) => {
  const random = createRandom(97);
  const answerer = sampleAnswerer();
  const tallies = new Map<string, { right: number; count: number }>();
  for (let i = 0; i < SCENES; i++) {
    const scene = sampleScene(random);
    const asked = questionsAbout(scene);
    const answers = await answerer.answer(
      paint(scene, random),
      asked.map(({ question }) => question),
    );
    for (const [k, { kind, truth }] of asked.entries()) {
      const key = `${kind} ${truth}`;
      const tally = tallies.get(key) ?? { right: 0, count: 0 };
      tallies.set(key, tally);
      tally.count++;
      if ((answers[k]!.answer === 'yes') === truth) tally.right++;
    }
  }
  const rates = [...tallies].map(([kind, { right, count }]) => ({ kind, count, rate: right / count }));
  const report = rates
    .map(({ kind, count, rate }) => `${kind}: ${(100 * rate).toFixed(2)}% of ${count}`)
    .join('\n');
  t.diagnostic(report);
  for (const { kind, count, rate } of rates) {
    assert.ok(count >= 15, `too few questions to judge "${kind}"\n${report}`);
    assert.ok(rate >= 0.97, `"${kind}" is below 97%\n${report}`);
  }
  // Of each kind, there were true and false ones.
  for (const kind of ['shape', 'size', 'colour', 'count', 'relation']) {
    assert.ok(tallies.has(`${kind} true`) && tallies.has(`${kind} false`), report);
  }
  assert.ok(tallies.has("graph's relation true"), report);
});

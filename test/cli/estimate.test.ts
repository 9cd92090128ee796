import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { estimateLines } from '../../src/cli/estimate.ts';
import { unetCost } from '../../src/models/folders/cost.ts';
import { parseUNetConfig } from '../../src/models/unet/unet-config.ts';
import { readJson } from '../components/tensors.ts';
import { temporaryFolder } from '../temporary.ts';
import { diptych } from './run-command.ts';

const SAMPLE = path.resolve(import.meta.dirname, '../../models/sample/diffusion/unet');
const { flops } = unetCost(parseUNetConfig(readJson(SAMPLE, 'config.json')));

/** Exit code and what is printed. */
async function say(...args: string[]): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await diptych('estimate', ...args);
  return { code, said: code === 0 ? stdout : stderr };
}

async function settingsFile(t: TestContext, settings: unknown): Promise<string> {
  const file = path.join(await temporaryFolder(t), 'settings.json');
  await writeFile(file, typeof settings === 'string' ? settings : JSON.stringify(settings));
  return file;
}

test('a whole loop: every image, every pass through the UNet, every trajectory is counted', async (t) => {
  const settings = {
    candidates: 3,
    heldOutFraction: 0.25,
    sampling: { steps: 5, guidance: 4 },
    train: { steps: 10, pairsPerStep: 2, inversionSteps: 6 },
    evaluation: { samples: 2 },
  };
  const file = await settingsFile(t, settings);
  const { code, said } = await say('curate-then-train', '--annotations', '40', '--settings', file, '--json');
  assert.equal(code, 0, said);
  const { images, work, disk, memory, flopsPerSecond, device, hours } = JSON.parse(said);
  // 30 annotations with 3 candidates; 10 held out with 2 samples under 2 models.
  assert.equal(images, 90 + 40);
  assert.deepEqual(work, [
    { name: 'generate', flops: 90 * 5 * 2 * flops },
    // With guidance, and so twice, as the default objective has it.
    { name: 'train: invert', flops: 90 * 6 * 2 * flops },
    // Two images a pair; forward and backward of the policy are three passes, the reference is one.
    { name: 'train: steps', flops: 10 * 2 * 2 * 4 * 2 * flops },
    { name: 'evaluate: generate', flops: 40 * 5 * 2 * flops },
  ]);
  assert.equal(disk.trajectories, 90 * 7 * 2 * 32 * 32 * 3);
  assert.ok(memory.train > memory.generate / 10 && memory.generate > 0);
  assert.ok(flopsPerSecond > 1e8, 'a processor does more than that');
  const all = work.reduce((sum: number, part: { flops: number }) => sum + part.flops, 0);
  assert.equal(hours, all / flopsPerSecond / 3600);
  assert.match(device, /^(GPU|processor)$/);
});

test('a run pays for what it does and no more', async (t) => {
  const work = async (kind: string, settings: unknown) => {
    const file = await settingsFile(t, settings);
    const { said } = await say(kind, '--annotations', '10', '--settings', file, '--json');
    return Object.fromEntries(
      (JSON.parse(said).work as { name: string; flops: number }[]).map((part) => [part.name, part.flops]),
    );
  };
  assert.deepEqual(Object.keys(await work('curate', {})), ['generate']);
  const plain = await work('train', { train: { steps: 10 } });
  const recomputed = await work('train', { train: { steps: 10, gradientCheckpointing: true } });
  assert.equal(recomputed['train: steps'], (plain['train: steps']! * 5) / 4);
  // Diffusion-DPO inverts nothing; published forms take the whole trajectory.
  const diffusion = await work('train', { train: { objective: 'diffusion-dpo' } });
  assert.equal(diffusion['train: invert'], 0);
  const published = await work('train', { train: { steps: 10, form: 'published', guidance: 3 } });
  assert.equal(published['train: steps'], plain['train: steps']! * 20);
  // Rounds of 2 steps on 3 annotations, each drawn twice in 4 steps; the last round is drawn whole. DDPO has no reference.
  const onPolicy = { samplingSteps: 4, scenesPerRound: 3, stepsPerRound: 2 };
  const train = { steps: 11, pairsPerStep: 5, guidance: 2, onPolicy };
  assert.deepEqual(await work('train', { train: { ...train, objective: 'ddpo' } }), {
    'train: draw': 6 * 6 * 4 * 2 * flops,
    'train: steps': 11 * 10 * 2 * 3 * flops,
  });
  const d3po = await work('train', { train: { ...train, objective: 'd3po', beta: 1 } });
  assert.equal(d3po['train: steps'], 11 * 10 * 2 * 4 * flops);
  // Two annotations of ten are held out: one image each as ever, and one with three more model calls a step.
  const sampling = { steps: 5, guidance: 1 };
  const steered = await work('evaluate', { sampling, evaluation: { demon: { noises: 3 } } });
  assert.equal(steered['evaluate: generate'], 2 * 5 * (1 + 4) * flops);
});

test('trajectories take the bytes of the states that are stored, as halves', async (t) => {
  const bytes = async (train: unknown) => {
    const file = await settingsFile(t, { heldOutFraction: 0, candidates: 2, train });
    const { said } = await say('train', '--annotations', '5', '--settings', file, '--json');
    return JSON.parse(said).disk.trajectories / (10 * 2 * 32 * 32 * 3);
  };
  assert.equal(await bytes({}), 21);
  assert.equal(await bytes({ keptTimesteps: 4 }), 5);
  assert.equal(await bytes({ objective: 'diffusion-dpo' }), 1);
});

test('measuring during training costs its drawings and a checkpoint, and its annotations are not inverted', async (t) => {
  const train = { steps: 10, pairsPerStep: 1, inversionSteps: 6 };
  const settings = { candidates: 3, heldOutFraction: 0.25, sampling: { steps: 5, guidance: 4 }, train };
  const made = async (validation?: object) => {
    const file = await settingsFile(t, { ...settings, train: { ...train, validation } });
    const { said } = await say('train', '--annotations', '40', '--settings', file, '--json');
    return JSON.parse(said);
  };
  const [plain, measured] = [await made(), await made({ every: 4, annotations: 10 })];
  assert.deepEqual(measured.work, [
    { name: 'train: invert', flops: 20 * 3 * 6 * 2 * flops },
    plain.work[1],
    // At steps 0, 4, 8 and 10.
    { name: 'train: validate', flops: 4 * 10 * 5 * 2 * flops },
  ]);
  assert.equal(measured.disk.trajectories, (plain.disk.trajectories * 2) / 3);
  assert.equal(measured.disk.models, (plain.disk.models * 4) / 3);
  // Two rows a step, up to 64 where it draws.
  assert.ok(measured.memory.train > plain.memory.train);
});

test('a machine that is too small is told so, with what to do', () => {
  const memory = { generate: 3e9, train: 40e9 };
  const made = {
    images: 8,
    work: [{ name: 'generate', flops: 6e12 }],
    memory,
    disk: { images: 0, trajectories: 0, models: 0 },
  };
  const lines = estimateLines(made, 1e11, 'GPU', 24e9);
  assert.match(lines.join('\n'), /about 1 min 00 s on this machine, at 100 GFLOP\/s/);
  assert.match(lines.join('\n'), /^hours {5}0\.02 of this machine's GPU; of another, 6 TFLOP over/m);
  assert.match(lines.join('\n'), /40\.0 GB to train\n *this machine has 24\.0 GB: lower train\.pairsPerStep/);
  assert.doesNotMatch(estimateLines(made, 1e11, 'processor', 64e9).join('\n'), /this machine has/);
});

test('what can’t be estimated is refused by its name', async (t) => {
  const refused = async (message: RegExp, ...args: string[]) => {
    const { code, said } = await say(...args);
    assert.deepEqual([code, message.test(said)], [2, true], said);
  };
  await refused(/^KIND is missing\ndiptych estimate KIND --annotations N/, '--annotations', '3');
  await refused(/^KIND is "bake", must be one of curate, train/, 'bake', '--annotations', '3');
  await refused(/--annotations is missing/, 'curate');
  await refused(/--annotations is "-3"/, 'curate', '--annotations=-3');
  const settings = (content: unknown) => settingsFile(t, content);
  const curate = ['curate', '--annotations', '3', '--settings'];
  await refused(/settings\/candidates must be >= 2/, ...curate, await settings({ candidates: 1 }));
  await refused(/^--settings is ".+settings\.json": .*JSON/, ...curate, await settings('{'));
  const nowhere = path.join(await temporaryFolder(t), 'nowhere');
  const { code, said } = await say(...curate, await settings({ model: nowhere }));
  assert.deepEqual([code, /there is no model ".*nowhere"/.test(said)], [1, true], said);
  await refused(/no such file/, ...curate, `${nowhere}.json`);
});

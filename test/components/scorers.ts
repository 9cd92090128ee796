/** Scorers from their folders to the numbers behind the scoring ports, with images that are not square. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { RgbImage } from '../../src/engine/image.ts';
import { decodeImage } from '../../src/engine/png.ts';
import { loadClipModel } from '../../src/models/folders/model-folder.ts';
import {
  loadAestheticHead,
  loadBlipVqa,
  loadImageReward,
  loadOwlVit,
} from '../../src/models/folders/scorer-folders.ts';
import { blipAnswerer } from '../../src/scoring/blip-answerer.ts';
import { clipScorer } from '../../src/scoring/clip-scorer.ts';
import { aestheticScorer, imageRewardScorer } from '../../src/scoring/image-raters.ts';
import { owlVitDetector } from '../../src/scoring/owlvit-detector.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import {
  writeTinyAesthetic,
  writeTinyBlip,
  writeTinyClip,
  writeTinyImageReward,
  writeTinyOpenClip,
  writeTinyOwlVit,
} from '../models/tiny-scorers.ts';
import { engine } from './tensors.ts';

type Check = (golden: GoldenCase, folder: string, images: readonly RgbImage[]) => Promise<void>;

const answers: Check = async (golden, folder, images) => {
  await writeTinyBlip(folder);
  const model = await loadBlipVqa(engine, folder);
  const port = blipAnswerer(engine, model);
  const yes: number[] = [];
  for (const image of images) {
    for (const answer of await port.answer(image, golden.json.questions)) yes.push(answer.yes);
  }
  golden.check('blip_yes', yes);
  model.dispose();
};

const detections: Check = async (golden, folder, images) => {
  await writeTinyOwlVit(folder);
  const model = await loadOwlVit(engine, folder);
  const port = owlVitDetector(engine, model);
  const { labels, detected } = golden.json;
  for (const [i, name] of ['wide', 'tall'].entries()) {
    const found = await port.detect(images[i]!, labels);
    const row = <T>(of: (detection: (typeof found)[number]) => T) => found.map(of);
    golden.exact(
      `labels in ${name}`,
      row(({ label }) => label),
      detected[i],
    );
    golden.check(
      `owlvit_scores_${name}`,
      row(({ confidence }) => confidence),
    );
    golden.check(`owlvit_boxes_${name}`, row(({ box }) => [...box]).flat());
  }
  const alone = await port.detect(images[0]!, labels.slice(-1));
  golden.check(
    'owlvit_scores_one_label',
    alone.map(({ confidence }) => confidence),
  );
  model.dispose();
};

const cosines =
  (name: string, writeFolder: (folder: string) => Promise<void>): Check =>
  async (golden, folder, images) => {
    await writeFolder(folder);
    const model = await loadClipModel(engine, folder);
    const scores = await clipScorer(engine, 'clip', model).score(images, golden.json.prompts);
    golden.check(
      name,
      scores.map(({ cosine }) => cosine),
    );
    model.dispose();
  };

const aesthetic: Check = async (golden, folder, images) => {
  await writeTinyAesthetic(folder);
  const model = await loadAestheticHead(engine, folder);
  golden.check('aesthetic', await aestheticScorer(engine, model).rate(images, golden.json.prompts));
  model.dispose();
};

const imageReward: Check = async (golden, folder, images) => {
  await writeTinyImageReward(folder);
  const model = await loadImageReward(engine, folder);
  golden.check('image_reward', await imageRewardScorer(engine, model).rate(images, golden.json.prompts));
  model.dispose();
};

async function scorers(golden: GoldenCase): Promise<void> {
  const pictures = path.join(golden.folder, '../image-preprocess');
  const images = await Promise.all(
    ['wide.png', 'tall.png'].map((name) => decodeImage(readFileSync(path.join(pictures, name)))),
  );
  const root = await mkdtemp(path.join(os.tmpdir(), 'diptych-test-'));
  try {
    const checks: Record<string, Check> = {
      ...{ answers, detections, aesthetic, imageReward },
      clip: cosines('clip_cosine', writeTinyClip),
      hps: cosines('hps_cosine', writeTinyOpenClip),
    };
    for (const [name, check] of Object.entries(checks)) await check(golden, path.join(root, name), images);
  } finally {
    await rm(root, { recursive: true });
  }
}

export const components: Record<string, ComponentCheck> = { 'image scorers behind their ports': scorers };

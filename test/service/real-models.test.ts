/**
 * Curation with model folders in the shapes of the real ones, through the real service: SD1.5 and SDXL draw, CLIP,
 * PickScore, BLIP-VQA, OWL-ViT, HPSv2, ImageReward and the aesthetic predictor score. Tiny and random, so that only
 * what passes through is checked here, and what each network gives in its golden case.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openClient, type Run } from '../../clients/typescript/client.ts';
import { METRIC_NAMES } from '../../src/scoring/score.ts';
import { listScored } from '../../src/store/candidates.ts';
import { readRows } from '../export/read.ts';
import {
  writeTinyAesthetic,
  writeTinyBlip,
  writeTinyClip,
  writeTinyImageReward,
  writeTinyOpenClip,
  writeTinyOwlVit,
} from '../models/tiny-scorers.ts';
import { visionStandIn } from '../remote/stand-ins.ts';
import { scenes } from '../scenes.ts';
import { temporaryFolder } from '../temporary.ts';
import { SET, startHome } from './home.ts';

const ANNOTATIONS = scenes(3);
const CANDIDATES = 2;
const IMAGES = ANNOTATIONS.length * CANDIDATES;
const SCORERS = {
  answerer: writeTinyBlip,
  detector: writeTinyOwlVit,
  hps: writeTinyOpenClip,
  aesthetic: writeTinyAesthetic,
  imageReward: writeTinyImageReward,
};

test('tiny folders of the real shapes draw and score through the whole service', {
  timeout: 240_000,
}, async (t) => {
  const folders = await temporaryFolder(t);
  const scoring: Record<string, string> = {};
  for (const [name, write] of Object.entries(SCORERS)) {
    scoring[name] = path.join(folders, name);
    await write(scoring[name]);
  }
  const clip = path.join(folders, 'clip');
  await writeTinyClip(clip);
  const { service, store } = await startHome(t, ANNOTATIONS);
  const client = openClient(service.url);

  async function curate(settings: Record<string, unknown>): Promise<Run> {
    const request = {
      kind: 'curate' as const,
      annotationSet: SET,
      settings: {
        candidates: CANDIDATES,
        heldOutFraction: 0,
        sampling: { steps: 2 },
        clip,
        pick: clip,
        ...settings,
      },
    };
    return client.watchRun((await client.createRun(request)).id, () => {});
  }
  const model = (name: string) => path.resolve(import.meta.dirname, '../golden', name, 'model');

  for (const name of ['generate-sd15', 'generate-sdxl']) {
    await t.test(name, async () => {
      const reward = { weights: { dpg: 1, 'image-reward': 1, hpsv2: 1 } };
      const run = await curate({ model: model(name), scoring, reward });
      assert.deepEqual([run.status, run.error], ['succeeded', null]);
      const candidates = await listScored(store, run.id, 'curated', { limit: 100 });
      assert.equal(candidates.length, IMAGES);
      assert.equal(new Set(candidates.map(({ sha256 }) => sha256)).size, IMAGES);
      for (const { width, height, scores, generation } of candidates) {
        assert.deepEqual([width, height, generation.model], [64, 64, model(name)]);
        assert.deepEqual(Object.keys(scores).sort(), [...METRIC_NAMES].sort());
        assert.ok(Object.values(scores).every(Number.isFinite), JSON.stringify(scores));
      }
      const evidence = await store.score.findMany({ where: { candidateId: candidates[0]!.id } });
      const askedOf = Object.fromEntries(
        evidence.map(({ metric, evidence: told }) => {
          const { answerer, detector, scorer, rater } = told as Record<string, string>;
          return [metric, (answerer ?? detector ?? scorer ?? rater)?.replace(/@[0-9a-f]{12}$/, '')];
        }),
      );
      assert.deepEqual(askedOf, {
        dpg: 'blip-vqa',
        'sg-iou': 'blip-vqa',
        'entity-iou': 'blip-vqa',
        'relation-iou': 'blip-vqa',
        't2i-blip-vqa': 'blip-vqa',
        't2i-2d-spatial': 'owlvit',
        't2i-clip': 'clip',
        't2i-3in1': undefined,
        'clip-score': 'clip',
        pickscore: 'pickscore',
        hpsv2: 'hpsv2',
        aesthetic: 'aesthetic',
        'image-reward': 'image-reward',
      });

      const files = (await client.artifacts(run.id)).filter((file) => file.name.startsWith('images/data/'));
      const rows = (await Promise.all(files.map((file) => readRows(file.path)))).flat();
      assert.equal(rows.length, IMAGES);
      for (const row of rows) {
        const { score_dpg: dpg, score_image_reward: imageReward, score_hpsv2: hps, reward: got } = row;
        assert.ok(
          Math.abs((got as number) - ((dpg as number) + (imageReward as number) + (hps as number)) / 3) <
            1e-9,
        );
      }
    });
  }

  await t.test(
    'a vision endpoint that refuses one question costs the images it is asked about, not the run',
    async (t) => {
      const { label } = ANNOTATIONS[0]!.items[0]!;
      const refused = new RegExp(`^Is there an? ${label}`);
      const server = await visionStandIn(t, (question) =>
        refused.test(question) ? { text: null, refusal: 'I would rather not say.' } : { text: 'Yes' },
      );
      const concerned = ANNOTATIONS.filter(({ items }) => items.some((item) => item.label === label)).length;
      assert.ok(concerned < ANNOTATIONS.length, 'an annotation must be left that has no such item');
      const endpoint = { url: `${server.url}/v1`, model: 'eyes', tries: 1 };
      const run = await curate({
        model: model('generate-sd15'),
        scoring: { endpoint },
        reward: { weights: { dpg: 1 } },
      });
      assert.deepEqual([run.status, run.error], ['succeeded', null]);
      assert.equal(run.stages.find(({ name }) => name === 'score')!.dropped, concerned * CANDIDATES);
      const candidates = await listScored(store, run.id, 'curated', { limit: 100 });
      const answered = candidates.filter(({ scores }) => scores.dpg !== undefined);
      assert.equal(answered.length, IMAGES - concerned * CANDIDATES);
      assert.ok(answered.every(({ scores }) => scores.dpg === 1));
      const response = await fetch(`${service.url}/v1/runs/${run.id}/failures`);
      const { items } = (await response.json()) as { items: { what: string; reason: string }[] };
      const dpg = items.filter(({ what }) => what === 'dpg');
      assert.equal(dpg.length, concerned * CANDIDATES);
      for (const { reason } of dpg)
        assert.match(reason, /eyes@.* answered "I would rather not say\." to "Is there/);
      // Asked again, the answers of the other images are known.
      const before = server.asked.length;
      await curate({ model: model('generate-sd15'), scoring: { endpoint } });
      const again = new Set(server.asked.slice(before).map(({ image }) => image));
      assert.equal(again.size, concerned * CANDIDATES);
    },
  );
});

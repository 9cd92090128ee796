/** What the numeric thread can do. Arguments and results are plain data; models stay loaded between calls. */
import type { Annotation } from '../../src/annotations/annotation.ts';
import { seededNoise } from '../../src/diffusion/noise.ts';
import { guidedPredictor } from '../../src/diffusion/predictor.ts';
import { sample } from '../../src/diffusion/sample.ts';
import { parseSchedule } from '../../src/diffusion/schedule.ts';
import { type Engine, openEngine } from '../../src/engine/engine.ts';
import { fromPixels, type RgbImage } from '../../src/engine/image.ts';
import { decodeImage } from '../../src/engine/png.ts';
import { fromLatents } from '../../src/models/latents.ts';
import {
  type ClipModel,
  type DiffusionModel,
  diffusionModelHash,
  loadClipModel,
  loadDiffusionModel,
} from '../../src/models/model-folder.ts';
import { disposeCondition, encodeEmpty, encodePrompts } from '../../src/models/text-condition.ts';
import type { Pair } from '../../src/preference/pairs.ts';
import { sampleAnswerer, sampleDetector } from '../../src/sample-world/ports.ts';
import { clipScorer } from '../../src/scoring/clip-scorer.ts';
import type { Score, ScoringMode } from '../../src/scoring/metric.ts';
import { scoreImages } from '../../src/scoring/score.ts';
import { folderBlobs } from '../../src/store/blobs.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { type TrainProgress, type TrainResult, trainPairs } from '../../src/training/train.ts';

export interface GenerateArgument {
  model: string;
  requests: { prompt: string; seed: number }[];
  steps: number;
  guidance: number;
}

export interface ScoreArgument {
  clip: string;
  pick: string;
  mode: ScoringMode;
  subjects: { annotation: Annotation; png: Uint8Array }[];
}

export interface TrainArgument {
  model: string;
  settings: TrainSettings;
  candidates: { id: string; prompt: string; sha256: string }[];
  pairs: Pair[];
  blobs: string;
  folder: string;
}

interface Call<Message> {
  progress(message: Message): void;
  /** Checked between steps; the method then throws its reason. */
  signal: AbortSignal;
}

export interface NumericMethods {
  engineName(argument: null, call: Call<never>): Promise<string>;
  /** Of a diffusion folder. Asked here, where models are loaded too, so that weights are hashed once a process. */
  modelHash(folder: string, call: Call<never>): Promise<string>;
  /** One image per request. Progress: the finished share. */
  generate(argument: GenerateArgument, call: Call<number>): Promise<RgbImage[]>;
  score(argument: ScoreArgument, call: Call<never>): Promise<Score[][]>;
  train(argument: TrainArgument, call: Call<TrainProgress>): Promise<TrainResult>;
}

export async function openNumericMethods(): Promise<NumericMethods> {
  const engine = await openEngine();
  const diffusion = modelCache<DiffusionModel>((folder) => loadDiffusionModel(engine, folder));
  const clips = modelCache<ClipModel>((folder) => loadClipModel(engine, folder));

  return {
    engineName: async () => engine.name,
    modelHash: diffusionModelHash,

    async generate({ model: folder, requests, steps, guidance }, { progress, signal }) {
      const model = await diffusion.get(folder, await diffusionModelHash(folder));
      return generate(engine, model, requests, steps, guidance, (done) => {
        signal.throwIfAborted();
        progress(done / steps);
      });
    },

    async score({ clip, pick, mode, subjects }) {
      const [clipModel, pickModel] = [await clips.get(clip, clip), await clips.get(pick, pick)];
      const ports = {
        answerer: sampleAnswerer(),
        detector: sampleDetector(),
        clip: clipScorer(engine, 'clip', clipModel),
        pick: clipScorer(engine, 'pickscore', pickModel),
      };
      const decoded = await Promise.all(
        subjects.map(async ({ annotation, png }) => ({ annotation, image: await decodeImage(png) })),
      );
      return scoreImages(decoded, ports, mode);
    },

    async train({ model: folder, settings, candidates, pairs, blobs: blobFolder, folder: out }, call) {
      const model = await diffusion.get(folder, await diffusionModelHash(folder));
      const blobs = folderBlobs(blobFolder);
      return trainPairs({
        engine,
        model,
        settings,
        pairs,
        folder: out,
        candidates: candidates.map((candidate) => ({
          ...candidate,
          load: async () => decodeImage(await blobs.get(candidate.sha256)),
        })),
        async onProgress(message) {
          call.progress(message);
          // Lets an abort message in: the training itself never waits for anything.
          await new Promise((resolve) => setImmediate(resolve));
          call.signal.throwIfAborted();
        },
      });
    },
  };
}

/** The last models of a kind, by folder; loaded again when their content changed. */
function modelCache<M extends { dispose(): void }>(load: (folder: string) => Promise<M>) {
  const KEEP = 2;
  const held = new Map<string, M>();
  return {
    async get(folder: string, version: string): Promise<M> {
      const key = `${folder}\0${version}`;
      const known = held.get(key);
      if (known) return known;
      const model = await load(folder);
      held.set(key, model);
      for (const old of [...held.keys()].slice(0, -KEEP)) {
        held.get(old)!.dispose();
        held.delete(old);
      }
      return model;
    },
  };
}

function generate(
  engine: Engine,
  model: DiffusionModel,
  requests: GenerateArgument['requests'],
  steps: number,
  guidance: number,
  onStep: (done: number) => void,
): RgbImage[] {
  const { tf } = engine;
  const { sampleSize, inChannels } = model.unet.config;
  const prompt = encodePrompts(
    engine,
    model,
    requests.map((request) => request.prompt),
  );
  const empty = encodeEmpty(engine, model);
  const noise = seededNoise(
    tf,
    requests.map((request) => request.seed),
    [sampleSize, sampleSize, inChannels],
  );
  try {
    const predict = guidedPredictor(
      engine,
      model.unet.config,
      model.unet.weights,
      { prompt, empty },
      guidance,
    );
    const x0 = sample(engine, parseSchedule(model.scheduler), predict, noise, steps, onStep);
    const images = fromLatents(engine, model, x0);
    const pixels = images.dataSync() as Float32Array;
    tf.dispose([x0, images]);
    return fromPixels(pixels, model.imageSide, model.imageSide);
  } finally {
    for (const condition of [prompt, empty]) disposeCondition(condition);
    noise.dispose();
  }
}

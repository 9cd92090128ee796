/** What the numeric thread can do. Arguments and results are plain data; models stay loaded between calls. */
import type { Annotation } from '../../src/annotations/annotation.ts';
import type { DemonSettings } from '../../src/diffusion/demon.ts';
import { type DrawRequest, drawImages } from '../../src/diffusion/draw-images.ts';
import { drawWithDemon, type ScoreImages } from '../../src/diffusion/draw-with-demon.ts';
import { openEngine } from '../../src/engine/engine.ts';
import type { RgbImage } from '../../src/engine/image.ts';
import { decodeImage } from '../../src/engine/png.ts';
import { featureStatistics, frechetDistance } from '../../src/evaluation/frechet.ts';
import { clipFeatures, fidFeatures } from '../../src/evaluation/image-features.ts';
import { fusedHash, loadFused, type ModelFiles } from '../../src/models/folders/fused-model.ts';
import type { DiffusionModel } from '../../src/models/folders/model-folder.ts';
import { loadInception } from '../../src/models/inception/inception.ts';
import type { Prompt } from '../../src/models/inputs/prompt.ts';
import { resizeAndCrop } from '../../src/models/preprocess/clip-preprocess.ts';
import type { Pair } from '../../src/preference/pairs.ts';
import { createJudge } from '../../src/scoring/judge.ts';
import type { ScoringMode } from '../../src/scoring/metric.ts';
import { type RewardScales, type RewardSettings, rewardOn } from '../../src/scoring/reward.ts';
import { type SubjectScores, scoreImages } from '../../src/scoring/score.ts';
import { openBlobs } from '../../src/store/blob-places.ts';
import type { Scene } from '../../src/training/judge.ts';
import type { TunedFiles } from '../../src/training/policy.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { type TrainProgress, type TrainResult, trainPairs } from '../../src/training/train.ts';
import type { ValidationScenes } from '../../src/training/validation/validation.ts';
import { type AdoptArgument, adoptModel } from './adopt.ts';
import { modelCache } from './model-cache.ts';
import { createScorers, type ScorerFolders } from './scorers.ts';

/** Images, so that networks get batches, memory stays bounded, and a cancelled task ends soon. */
const SCORED_TOGETHER = 16;

export interface GenerateArgument extends ModelFiles {
  requests: DrawRequest[];
  steps: number;
  guidance: number;
  /** A sampling demon, what it goes by, and whose image each request is. */
  demon?: { settings: DemonSettings; judge: JudgeArgument; scenes: string[] };
}

export interface ScoreArgument {
  folders: ScorerFolders;
  mode: ScoringMode;
  subjects: { annotation: Annotation; png: Uint8Array }[];
}

/** How images are measured while a training or a sampler goes on. */
export interface JudgeArgument {
  folders: ScorerFolders;
  mode: ScoringMode;
  reward: RewardSettings;
  scales: RewardScales;
  /** By scene id. */
  annotations: Record<string, Annotation>;
}

export interface TrainArgument {
  model: string;
  settings: TrainSettings;
  candidates: { id: string; prompt: Prompt; sha256: string }[];
  pairs: Pair[];
  blobs: string;
  folder: string;
  /** What on-policy objectives draw. */
  scenes?: Scene[];
  trajectories?: string;
  trajectoryBytes?: number;
  judge?: JudgeArgument;
  validation?: ValidationScenes;
}

export interface FeaturesArgument {
  /** A CLIPModel's folder, or the file of Inception's weights. */
  network: { clip: string } | { inception: string };
  /** Encoded. */
  images: Uint8Array[];
}

interface Call<Message> {
  progress(message: Message): void;
  /** Checked between steps; the method then throws its reason. */
  signal: AbortSignal;
}

export interface NumericMethods {
  engineName(argument: null, call: Call<never>): Promise<string>;
  /** Of a diffusion model. Asked here, where models are loaded too, so that weights are hashed once a process. */
  modelHash(files: ModelFiles, call: Call<never>): Promise<string>;
  /** One image per request. Progress: the finished share. */
  generate(argument: GenerateArgument, call: Call<number>): Promise<RgbImage[]>;
  /** Progress: the finished share. */
  score(argument: ScoreArgument, call: Call<number>): Promise<SubjectScores[]>;
  /** One vector per image. */
  features(argument: FeaturesArgument, call: Call<never>): Promise<Float32Array[]>;
  /** Here for its time: minutes for thousands of vectors of thousands of values. */
  frechet(sets: { of: Float32Array[]; against: Float32Array[] }, call: Call<never>): Promise<number>;
  train(argument: TrainArgument, call: Call<TrainProgress>): Promise<TrainResult>;
  /** The weights that another trainer made, as a model folder. */
  adopt(argument: AdoptArgument, call: Call<never>): Promise<TunedFiles>;
}

export async function openNumericMethods(): Promise<NumericMethods> {
  const engine = await openEngine();
  // An evaluation asks the base and the tuned model in turn.
  const diffusion = modelCache<ModelFiles, DiffusionModel>((files) => loadFused(engine, files), 2);
  const scorers = createScorers(engine);
  const inception = modelCache((file: string) => loadInception(engine, file), 1);

  async function openJudge({ folders, reward, scales, ...rest }: JudgeArgument, signal: AbortSignal) {
    const ports = await scorers.open(folders, signal);
    return createJudge({ ...rest, ports, reward: rewardOn(reward, scales) });
  }

  return {
    engineName: async () => engine.name,
    modelHash: fusedHash,

    async generate({ requests, steps, guidance, demon, ...files }, { progress, signal }) {
      const model = await diffusion.get(files, await fusedHash(files));
      const onShare = (share: number) => {
        signal.throwIfAborted();
        progress(share);
      };
      if (!demon) return drawImages(engine, model, requests, { steps, guidance }, onShare);
      const judge = await openJudge(demon.judge, signal);
      const scenes = requests.map(({ prompt }, i) => ({ id: demon.scenes[i]!, prompt }));
      const score: ScoreImages = async (places, images) => {
        // Lets an abort message in: drawing itself never waits for anything.
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
        const judged = await judge(
          places.map((place) => scenes[place]!),
          images,
        );
        return judged.map(({ reward }) => reward);
      };
      return drawWithDemon(engine, model, requests, { steps, guidance }, demon.settings, score, onShare);
    },

    async score({ folders, mode, subjects }, { progress, signal }) {
      const ports = await scorers.open(folders, signal);
      const scores: SubjectScores[] = [];
      for (let i = 0; i < subjects.length; i += SCORED_TOGETHER) {
        const batch = await Promise.all(
          subjects
            .slice(i, i + SCORED_TOGETHER)
            .map(async ({ annotation, png }) => ({ annotation, image: await decodeImage(png) })),
        );
        scores.push(...(await scoreImages(batch, ports, mode)));
        progress(scores.length / subjects.length);
        signal.throwIfAborted();
      }
      return scores;
    },

    async features({ network, images }) {
      const features =
        'clip' in network
          ? clipFeatures(engine, await scorers.clip(network.clip))
          : fidFeatures(engine, await inception.get(network.inception, ''));
      return features(await Promise.all(images.map((image) => decodeImage(image))));
    },

    frechet: async ({ of, against }) => frechetDistance(featureStatistics(of), featureStatistics(against)),

    async train({ model: folder, candidates, blobs: blobFolder, judge, ...rest }, call) {
      const files = { model: folder };
      const model = await diffusion.get(files, await fusedHash(files));
      const blobs = openBlobs(blobFolder);
      return trainPairs({
        ...rest,
        engine,
        model,
        ...(judge && { judge: await openJudge(judge, call.signal) }),
        candidates: candidates.map((candidate) => ({
          ...candidate,
          // Imported images have any size; those that were drawn for this model have its own, and stay as they are.
          load: async () =>
            resizeAndCrop(await decodeImage(await blobs.get(candidate.sha256)), model.imageSide),
        })),
        async onProgress(message) {
          call.progress(message);
          // Lets an abort message in: the training itself never waits for anything.
          await new Promise((resolve) => setImmediate(resolve));
          call.signal.throwIfAborted();
        },
      });
    },

    adopt: (argument) => adoptModel(engine, argument),
  };
}

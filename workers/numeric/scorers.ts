/** The models that score a run's images, behind the scoring ports. They stay loaded between tasks. */
import type { VisionSettings } from '../../pipelines/settings.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { type ClipModel, loadClipModel } from '../../src/models/folders/model-folder.ts';
import {
  loadAestheticHead,
  loadBlipVqa,
  loadImageReward,
  loadOwlVit,
} from '../../src/models/folders/scorer-folders.ts';
import { sampleAnswerer, sampleDetector } from '../../src/sample-world/ports.ts';
import { blipAnswerer } from '../../src/scoring/blip-answerer.ts';
import { clipScorer } from '../../src/scoring/clip-scorer.ts';
import { aestheticScorer, imageRewardScorer } from '../../src/scoring/image-raters.ts';
import { owlVitDetector } from '../../src/scoring/owlvit-detector.ts';
import type { ScoringPorts } from '../../src/scoring/ports.ts';
import { remoteAnswerer } from '../remote-servers.ts';
import { modelCache } from './model-cache.ts';

export interface ScorerFolders {
  clip: string;
  pick: string;
  /** Null: the sample world's reader. */
  answerer: string | null;
  detector: string | null;
  /** Absent: not measured. */
  hps?: string;
  aesthetic?: string;
  imageReward?: string;
  /** Answers in the place of the answerer; `answers` is where its answers are kept. */
  endpoint?: VisionSettings;
  answers: string;
}

export interface Scorers {
  /** The ports of a task; `signal` ends questions that are under way. */
  open(folders: ScorerFolders, signal: AbortSignal): Promise<ScoringPorts>;
  clip(folder: string): Promise<ClipModel>;
}

export function createScorers(engine: Engine): Scorers {
  const kept = <M extends { dispose(): void }>(
    load: (engine: Engine, folder: string) => Promise<M>,
    most = 1,
  ) => {
    const cache = modelCache((folder: string) => load(engine, folder), most);
    return (folder: string) => cache.get(folder, '');
  };
  // Three of the metrics may have a CLIP of their own.
  const clip = kept(loadClipModel, 3);
  const blip = kept(loadBlipVqa);
  const owlVit = kept(loadOwlVit);
  const aesthetic = kept(loadAestheticHead);
  const imageReward = kept(loadImageReward);

  async function open(folders: ScorerFolders, signal: AbortSignal): Promise<ScoringPorts> {
    const { endpoint, answers } = folders;
    const answerer = endpoint
      ? remoteAnswerer(endpoint, answers, signal)
      : folders.answerer === null
        ? sampleAnswerer()
        : blipAnswerer(engine, await blip(folders.answerer));
    return {
      answerer,
      detector:
        folders.detector === null ? sampleDetector() : owlVitDetector(engine, await owlVit(folders.detector)),
      clip: clipScorer(engine, 'clip', await clip(folders.clip)),
      pick: clipScorer(engine, 'pickscore', await clip(folders.pick)),
      ...(folders.hps && { hps: clipScorer(engine, 'hpsv2', await clip(folders.hps)) }),
      ...(folders.aesthetic && { aesthetic: aestheticScorer(engine, await aesthetic(folders.aesthetic)) }),
      ...(folders.imageReward && {
        imageReward: imageRewardScorer(engine, await imageReward(folders.imageReward)),
      }),
    };
  }

  return { open, clip };
}

/** Every component that can be checked against recorded cases. */
import type { ComponentCheck } from '../golden.ts';
import { components as aesthetic } from './aesthetic.ts';
import { components as blipVqa } from './blip-vqa.ts';
import { components as clip } from './clip.ts';
import { components as clipPreprocess } from './clip-preprocess.ts';
import { components as ddim } from './ddim.ts';
import { components as folders } from './folders.ts';
import { components as frechet } from './frechet.ts';
import { components as imagePreprocess } from './image-preprocess.ts';
import { components as imageReward } from './image-reward.ts';
import { components as inception } from './inception.ts';
import { components as lora } from './lora.ts';
import { components as objectives } from './objectives.ts';
import { components as openClip } from './open-clip.ts';
import { components as optimizers } from './optimizers.ts';
import { components as owlVit } from './owlvit.ts';
import { components as releasedObjectives } from './released-objectives.ts';
import { components as sceneGraphCondition } from './scene-graph-condition.ts';
import { components as sceneGraphEncoder } from './scene-graph-encoder.ts';
import { components as scorers } from './scorers.ts';
import { components as tokenizer } from './tokenizer.ts';
import { components as unet } from './unet.ts';
import { components as vaeTiled } from './vae-tiled.ts';

export const components: Record<string, ComponentCheck> = {
  ...folders,
  ...unet,
  ...clip,
  ...clipPreprocess,
  ...openClip,
  ...aesthetic,
  ...imageReward,
  ...frechet,
  ...inception,
  ...tokenizer,
  ...ddim,
  ...objectives,
  ...releasedObjectives,
  ...optimizers,
  ...vaeTiled,
  ...lora,
  ...sceneGraphEncoder,
  ...sceneGraphCondition,
  ...blipVqa,
  ...owlVit,
  ...imagePreprocess,
  ...scorers,
};

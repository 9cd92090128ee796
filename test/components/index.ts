/** Every component that can be checked against recorded cases. */
import type { ComponentCheck } from '../golden.ts';
import { components as clip } from './clip.ts';
import { components as clipText } from './clip-text.ts';
import { components as ddim } from './ddim.ts';
import { components as objectives } from './objectives.ts';
import { components as optimizers } from './optimizers.ts';
import { components as pipelines } from './pipelines.ts';
import { components as sceneGraphEncoder } from './scene-graph-encoder.ts';
import { components as tokenizer } from './tokenizer.ts';
import { components as unet } from './unet.ts';
import { components as vae } from './vae.ts';

export const components: Record<string, ComponentCheck> = {
  ...unet,
  ...clip,
  ...clipText,
  ...tokenizer,
  ...ddim,
  ...objectives,
  ...optimizers,
  ...pipelines,
  ...vae,
  ...sceneGraphEncoder,
};

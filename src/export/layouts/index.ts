/** Every layout by its name, which is also the folder that it is written to. */
import type { Layout } from '../layout.ts';
import { arrow } from './arrow.ts';
import { binarized } from './binarized.ts';
import { folders } from './folders.ts';
import { hpdv3 } from './hpdv3.ts';
import { imageReward } from './image-reward.ts';
import { images } from './images.ts';
import { pickapic } from './pickapic.ts';
import { quality } from './quality.ts';
import { scores } from './scores.ts';
import { webdataset } from './webdataset.ts';

export const LAYOUTS = {
  images,
  pickapic,
  binarized,
  'image-reward': imageReward,
  hpdv3,
  folders,
  webdataset,
  scores,
  arrow,
  quality,
} as const satisfies Record<string, Layout>;

export type LayoutName = keyof typeof LAYOUTS;
export const LAYOUT_NAMES = Object.keys(LAYOUTS) as [LayoutName, ...LayoutName[]];

/** What each layout of an export is for, in a line (docs/exports.md). */
export const LAYOUTS = {
  pickapic: 'A row per pair, as Pick-a-Pic has it: Diffusion-DPO, Inversion-DPO, diffusers, MaPO, PickScore',
  images: 'A row per candidate with image, scene graph, scores and reward; can be imported again',
  binarized: 'A row per pair with chosen and rejected image, for the dataset viewer',
  'image-reward': 'Ranks of all images of a prompt, as ImageReward trains on',
  hpdv3: 'A row per pair as HPSv3 and EditReward read it',
  folders: 'Loose files, winner and loser: SimpleTuner, kohya, OneTrainer',
  webdataset: 'Tar shards with the winner first, for diffusers’ ORPO script',
  scores: 'A row per candidate and metric, Parquet without images',
  arrow: 'The same as an Arrow stream',
  quality: 'What the candidates are like: repeats, distributions, margins, coverage; no data to train on',
} as const;
export type Layout = keyof typeof LAYOUTS;

/**
 * The Pick-a-Pic layout that Diffusion-DPO, MaPO and diffusers' trainers read: 19 columns as the dataset has
 * them (yuvalkirstain/pickapic_v2), one row per pair, and ours behind them, which those readers ignore.
 */
import { formPairs, type Pair, type PairSettings } from '../preference/pairs.ts';
import { hashSeed } from '../random.ts';
import { type ExportAnnotation, imageUid } from './rows.ts';
import type { Column, Row } from './table.ts';

export const PICKAPIC_COLUMNS: readonly Column[] = [
  { name: 'are_different', type: 'bool', about: 'the two images differ' },
  { name: 'best_image_uid', type: 'string', about: 'uid of the winner, or "tie"' },
  { name: 'caption', type: 'string', about: 'prompt' },
  { name: 'created_at', type: 'timestamp', about: 'empty: exports are the same byte for byte every time' },
  { name: 'has_label', type: 'bool', about: 'always true' },
  { name: 'image_0_uid', type: 'string', about: 'ANNOTATION-SLOT' },
  { name: 'image_0_url', type: 'string', about: 'empty: the image is in jpg_0' },
  { name: 'image_1_uid', type: 'string', about: 'ANNOTATION-SLOT' },
  { name: 'image_1_url', type: 'string', about: 'empty: the image is in jpg_1' },
  { name: 'jpg_0', type: 'binary', about: 'encoded image (PNG; the readers sniff the format)' },
  { name: 'jpg_1', type: 'binary', about: 'encoded image' },
  { name: 'label_0', type: 'float64', about: '1 when image 0 won, 0 when it lost, 0.5 for a tie' },
  { name: 'label_1', type: 'float64', about: '1 - label_0' },
  { name: 'model_0', type: 'string', about: 'generator of image 0' },
  { name: 'model_1', type: 'string', about: 'generator of image 1' },
  { name: 'ranking_id', type: 'int64', about: 'one number per annotation' },
  { name: 'user_id', type: 'int64', about: '0: labelled by the machine' },
  { name: 'num_example_per_prompt', type: 'int64', about: 'pairs with this caption' },
  { name: '__index_level_0__', type: 'int64', about: 'row number' },
  { name: 'annotation_id', type: 'string', about: 'img_id of the LAION-SG annotation' },
  { name: 'reward_0', type: 'float64', about: 'reward of image 0' },
  { name: 'reward_1', type: 'float64', about: 'reward of image 1' },
  { name: 'margin', type: 'float64', about: 'reward of the winner less that of the loser' },
  { name: 'metrics_0', type: 'string', about: 'raw scores of image 0, JSON' },
  { name: 'metrics_1', type: 'string', about: 'raw scores of image 1, JSON' },
  { name: 'seed_0', type: 'int64', about: 'seed of image 0' },
  { name: 'seed_1', type: 'int64', about: 'seed of image 1' },
  { name: 'sha256_0', type: 'string', about: 'hash of the bytes of jpg_0' },
  { name: 'sha256_1', type: 'string', about: 'hash of the bytes of jpg_1' },
  { name: 'sampler', type: 'string', about: 'sampler of both images' },
  { name: 'pair_policy', type: 'string', about: 'pairing policy' },
  { name: 'label_source', type: 'string', about: '"machine"' },
];

/** The pairs of an annotation's candidates, which they name by uid. */
export function pairsOf(annotation: ExportAnnotation, settings: PairSettings, dominance: boolean): Pair[] {
  const rewarded = annotation.candidates.map(({ slot, reward, scores }) => ({
    id: imageUid(annotation.imgId, slot),
    annotationId: annotation.imgId,
    slot,
    reward,
    metrics: scores,
  }));
  return formPairs(rewarded, settings, dominance);
}

/** A row; `pair` names its images by uid. Which image stands first is drawn by seed, not by who won. */
export function pickapicRow(
  annotation: ExportAnnotation,
  pair: Pair,
  pairsOfCaption: number,
  index: number,
  bytesOf: (sha256: string) => Uint8Array,
): Row {
  const swapped = hashSeed('pickapic-side', pair.winner, pair.loser) % 2 === 1;
  const uids = swapped ? [pair.loser, pair.winner] : [pair.winner, pair.loser];
  const [a, b] = uids.map(
    (uid) => annotation.candidates.find(({ slot }) => imageUid(annotation.imgId, slot) === uid)!,
  );
  const label = pair.tie ? 0.5 : swapped ? 0 : 1;
  return {
    are_different: a!.sha256 !== b!.sha256,
    best_image_uid: pair.tie ? 'tie' : pair.winner,
    caption: annotation.prompt,
    created_at: null,
    has_label: true,
    image_0_uid: uids[0],
    image_0_url: '',
    image_1_uid: uids[1],
    image_1_url: '',
    jpg_0: bytesOf(a!.sha256),
    jpg_1: bytesOf(b!.sha256),
    label_0: label,
    label_1: 1 - label,
    model_0: a!.generation.model,
    model_1: b!.generation.model,
    ranking_id: hashSeed('ranking', annotation.imgId),
    user_id: 0,
    num_example_per_prompt: pairsOfCaption,
    __index_level_0__: index,
    annotation_id: annotation.imgId,
    reward_0: a!.reward,
    reward_1: b!.reward,
    margin: pair.margin,
    metrics_0: JSON.stringify(a!.scores),
    metrics_1: JSON.stringify(b!.scores),
    seed_0: a!.seed,
    seed_1: b!.seed,
    sha256_0: a!.sha256,
    sha256_1: b!.sha256,
    sampler: a!.generation.sampler,
    pair_policy: pair.policy,
    label_source: 'machine',
  };
}

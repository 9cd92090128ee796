/** T2I-CompBench's geometry of two boxes (UniDet_eval/2D_spatial_eval.py). */
import type { ScoringMode } from './metric.ts';
import type { Detection } from './ports.ts';

export type Direction = 'near' | 'left' | 'right' | 'top' | 'bottom';

/** The published phrases in the order they are tried. "on top of" is recognised, but has no rule. */
const PUBLISHED: readonly (readonly [string, Direction | null])[] = [
  ['on side of', 'near'],
  ['next to', 'near'],
  ['near', 'near'],
  ['on the left of', 'left'],
  ['on the right of', 'right'],
  ['on the bottom of', 'bottom'],
  ['on the top of', 'top'],
  ['on top of', null],
];

export const PUBLISHED_PHRASES = PUBLISHED.map(([phrase]) => phrase);

const MENDED: readonly (readonly [string, Direction])[] = [
  ...PUBLISHED.map(([phrase, direction]) => [phrase, direction ?? 'top'] as const),
  ['beside', 'near'],
  ['left of', 'left'],
  ['right of', 'right'],
  ['above', 'top'],
  ['over', 'top'],
  ['below', 'bottom'],
  ['beneath', 'bottom'],
  ['under', 'bottom'],
];

/** The direction a relation states; undefined when it is not spatial, null when it is but has no rule. */
export function directionOf(relation: string, mode: ScoringMode): Direction | null | undefined {
  const phrases = mode === 'compat' ? PUBLISHED : MENDED;
  return phrases.find(([phrase]) => ` ${relation.toLowerCase()} `.includes(` ${phrase} `))?.[1];
}

type Box = Detection['box'];

/** Side of the detector's frame in which "near" was defined, and what counts as near there, in pixels. */
const FRAME = 480;
const NEAR = 150;

/**
 * How well box a stands in `direction` of box b, 0 to 1. `side`: the shorter side of the image in pixels;
 * distances scale to the published frame of 480.
 */
export function positionScore(a: Box, b: Box, direction: Direction | null, side: number): number {
  if (direction === null) return 0;
  const scale = FRAME / side;
  const dx = ((b[0] + b[2] - a[0] - a[2]) / 2) * scale;
  const dy = ((b[1] + b[3] - a[1] - a[3]) / 2) * scale;
  if (direction === 'near') {
    const [x, y] = [Math.abs(dx), Math.abs(dy)];
    return x < NEAR || y < NEAR ? 1 : NEAR / Math.max(x, y);
  }
  const holds = {
    left: dx > 0 && Math.abs(dx) > Math.abs(dy),
    right: dx < 0 && Math.abs(dx) > Math.abs(dy),
    top: dy > 0 && Math.abs(dy) > Math.abs(dx),
    bottom: dy < 0 && Math.abs(dy) > Math.abs(dx),
  }[direction];
  if (!holds) return 0;
  const overlap = intersectionOverUnion(a, b);
  return overlap < 0.1 ? 1 : 0.1 / overlap;
}

export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const shared = Math.max(0, width) * Math.max(0, height);
  const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);
  return shared === 0 ? 0 : shared / (area(a) + area(b) - shared);
}

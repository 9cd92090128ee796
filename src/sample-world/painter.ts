/** Paints a scene: anti-aliased shapes on a light background. */
import type { RgbImage } from '../engine/image.ts';
import type { Random } from '../random.ts';
import type { Placement, Scene } from './scenes.ts';
import { IMAGE_SIZE, PALETTE, type Shape } from './vocabulary.ts';

/** Largest change of a colour channel, in 8-bit steps: no two reds are quite the same. */
const COLOUR_JITTER = 12;

/**
 * Signed distance in pixels from a point to the edge of a shape of the given radius at the origin, negative
 * inside (approximate away from the edge). All shapes fill their box of side 2 * radius to at least 85%.
 */
function edgeDistance(shape: Shape, dx: number, dy: number, radius: number): number {
  const [ax, ay] = [Math.abs(dx), Math.abs(dy)];
  switch (shape) {
    case 'circle':
      return Math.hypot(dx, dy) - radius;
    case 'square':
      return Math.max(ax, ay) - 0.92 * radius;
    case 'triangle':
      // Isosceles, apex up: base at +0.9 r, apex at -r, sides of slope 1.9 : 1.
      return Math.max(dy - 0.9 * radius, (1.9 * ax - dy - radius) / Math.hypot(1.9, 1));
    case 'cross': {
      const arm = 0.34 * radius;
      return Math.min(Math.max(ax - arm, ay - radius), Math.max(ax - radius, ay - arm));
    }
  }
}

/** How much of the pixel at column i, row j the placed shape covers, 0 to 1. */
export function coverage({ shape, x, y, radius }: Omit<Placement, 'colour'>, i: number, j: number): number {
  return Math.min(1, Math.max(0, 0.5 - edgeDistance(shape, i + 0.5 - x, j + 0.5 - y, radius)));
}

/** A 32 x 32 image of the scene. Background grey and colours vary a little with `random`. */
export function paint(scene: Scene, random: Random): RgbImage {
  const pixels = new Float32Array(IMAGE_SIZE * IMAGE_SIZE * 3).fill(210 + 32 * random.next());
  for (const placement of scene.layout) {
    const colour = PALETTE[placement.colour].map((level) => level + COLOUR_JITTER * (2 * random.next() - 1));
    for (let j = 0; j < IMAGE_SIZE; j++) {
      for (let i = 0; i < IMAGE_SIZE; i++) {
        const share = coverage(placement, i, j);
        if (share === 0) continue;
        const at = 3 * (j * IMAGE_SIZE + i);
        for (let c = 0; c < 3; c++) pixels[at + c] = pixels[at + c]! * (1 - share) + colour[c]! * share;
      }
    }
  }
  const data = Uint8Array.from(pixels, (level) => Math.round(Math.min(255, Math.max(0, level))));
  return { width: IMAGE_SIZE, height: IMAGE_SIZE, data };
}

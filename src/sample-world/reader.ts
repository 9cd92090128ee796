/**
 * Reads a sample image back: which shapes, of which colour and size, and where. Each pixel is unmixed into
 * background and one palette colour, connected pixels of a colour make a region, and the painter's own shapes
 * are fitted to it. No learning, no randomness.
 */
import type { RgbImage } from '../engine/image.ts';
import { coverage } from './painter.ts';
import { COLOURS, type Colour, PALETTE, SHAPES, type Shape, SIZE_BOUNDARY, type Size } from './vocabulary.ts';

export interface FoundShape {
  shape: Shape;
  colour: Colour;
  size: Size;
  x: number;
  y: number;
  radius: number;
  /** [left, top, right, bottom] in pixels. */
  box: [number, number, number, number];
  /** Overlap of the region with the fitted shape (soft intersection over union), 0 to 1. */
  confidence: number;
}

/** A pixel counts for a colour from this much of it. */
const MIN_SHARE = 0.45;
/** Largest distance from the line between background and colour, in 8-bit steps. */
const MAX_RESIDUAL = 62;
/** Smaller regions are speckle. */
const MIN_PIXELS = 9;
/** Poorer fits are not shapes of this world. */
const MIN_CONFIDENCE = 0.5;

/** The shapes of an image, best fit first. */
export function readImage(image: RgbImage): FoundShape[] {
  const unmixed = unmix(image, backgroundOf(image));
  return regions(unmixed, image.width, image.height)
    .map((region) => fitRegion(region, unmixed, image.width, image.height))
    .filter(({ confidence }) => confidence >= MIN_CONFIDENCE)
    .sort((a, b) => b.confidence - a.confidence);
}

interface Unmixed {
  /** Index into COLOURS per pixel, -1 for background. */
  colour: Int8Array;
  /** Share of that colour in the pixel, 0 to 1. */
  share: Float32Array;
}

/** Median of the border pixels, per channel. */
function backgroundOf({ width, height, data }: RgbImage): [number, number, number] {
  const border: number[] = [];
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) border.push(i);
  }
  const median = (c: number) =>
    border.map((i) => data[3 * i + c]!).sort((a, b) => a - b)[border.length >> 1]!;
  return [median(0), median(1), median(2)];
}

function unmix({ width, height, data }: RgbImage, background: [number, number, number]): Unmixed {
  const colour = new Int8Array(width * height).fill(-1);
  const share = new Float32Array(width * height);
  const lines = COLOURS.map((name) => {
    const direction = PALETTE[name].map((level, c) => level - background[c]!) as [number, number, number];
    return { direction, squared: direction.reduce((sum, d) => sum + d * d, 0) };
  });
  for (let i = 0; i < width * height; i++) {
    const delta = background.map((level, c) => data[3 * i + c]! - level) as [number, number, number];
    let best = Number.POSITIVE_INFINITY;
    for (const [k, { direction, squared }] of lines.entries()) {
      const along = delta.reduce((sum, d, c) => sum + d * direction[c]!, 0) / squared;
      const amount = Math.min(1, Math.max(0, along));
      const residual = Math.hypot(...delta.map((d, c) => d - amount * direction[c]!));
      if (amount >= MIN_SHARE && residual < best && residual <= MAX_RESIDUAL) {
        best = residual;
        colour[i] = k;
        share[i] = amount;
      }
    }
  }
  return { colour, share };
}

/** Pixel indices of 4-connected areas of one colour. */
function regions({ colour }: Unmixed, width: number, height: number): number[][] {
  const seen = new Uint8Array(colour.length);
  const found: number[][] = [];
  for (let start = 0; start < colour.length; start++) {
    if (colour[start] === -1 || seen[start]) continue;
    const pixels = [start];
    seen[start] = 1;
    for (let at = 0; at < pixels.length; at++) {
      const i = pixels[at]!;
      const [x, y] = [i % width, Math.floor(i / width)];
      const around = [
        x > 0 ? i - 1 : -1,
        x < width - 1 ? i + 1 : -1,
        y > 0 ? i - width : -1,
        y < height - 1 ? i + width : -1,
      ];
      for (const j of around) {
        if (j < 0 || seen[j] || colour[j] !== colour[start]) continue;
        seen[j] = 1;
        pixels.push(j);
      }
    }
    if (pixels.length >= MIN_PIXELS) found.push(pixels);
  }
  return found;
}

function fitRegion(pixels: number[], unmixed: Unmixed, width: number, height: number): FoundShape {
  const xs = pixels.map((i) => i % width);
  const ys = pixels.map((i) => Math.floor(i / width));
  const [left, right] = [Math.min(...xs), Math.max(...xs) + 1];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys) + 1];
  const inside = new Set(pixels);
  const window = { left: left - 1, right: right + 1, top: top - 1, bottom: bottom + 1, width, height };
  const target = windowPixels(window, (i) => (inside.has(i) ? unmixed.share[i]! : 0));
  const half = Math.max(right - left, bottom - top) / 2;
  const [cx, cy] = [(left + right) / 2, (top + bottom) / 2];

  let best = { shape: 'circle' as Shape, x: cx, y: cy, radius: half, overlap: -1 };
  for (const shape of SHAPES) {
    for (let radius = half - 0.9; radius <= half + 1.1; radius += 0.25) {
      for (const dx of STEPS) {
        for (const dy of STEPS) {
          const placed = { shape, x: cx + dx, y: cy + dy, radius };
          const overlap = softOverlap(placed, window, target);
          if (overlap > best.overlap) best = { ...placed, overlap };
        }
      }
    }
  }
  const { shape, x, y, radius, overlap } = best;
  return {
    shape,
    colour: COLOURS[unmixed.colour[pixels[0]!]!]!,
    size: radius > SIZE_BOUNDARY ? 'large' : 'small',
    x,
    y,
    radius,
    box: [left, top, right, bottom],
    confidence: overlap,
  };
}

/** Centre offsets in pixels: a triangle's box is not centred on its centre. */
const STEPS = [-0.8, -0.4, 0, 0.4, 0.8];

interface Window {
  left: number;
  right: number;
  top: number;
  bottom: number;
  width: number;
  height: number;
}

function windowPixels({ left, right, top, bottom, width, height }: Window, value: (i: number) => number) {
  const values: number[] = [];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      values.push(x < 0 || y < 0 || x >= width || y >= height ? 0 : value(y * width + x));
    }
  }
  return values;
}

function softOverlap(
  placed: { shape: Shape; x: number; y: number; radius: number },
  { left, right, top, bottom }: Window,
  target: readonly number[],
): number {
  let [shared, joint, at] = [0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const painted = coverage(placed, x, y);
      const seen = target[at++]!;
      shared += Math.min(painted, seen);
      joint += Math.max(painted, seen);
    }
  }
  return shared / joint;
}

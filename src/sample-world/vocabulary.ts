/** Everything a sample scene can say, and how it looks. */
export const SHAPES = ['circle', 'square', 'triangle', 'cross'] as const;
export const SIZES = ['small', 'large'] as const;
export const RELATIONS = ['left of', 'right of', 'above', 'below'] as const;
export const COLOURS = ['red', 'green', 'blue', 'yellow', 'purple', 'orange'] as const;

export type Shape = (typeof SHAPES)[number];
export type Size = (typeof SIZES)[number];
export type SpatialRelation = (typeof RELATIONS)[number];
export type Colour = (typeof COLOURS)[number];

/** The painter's colour for each word, 8-bit RGB. */
export const PALETTE: Record<Colour, readonly [number, number, number]> = {
  red: [220, 40, 40],
  green: [40, 170, 70],
  blue: [50, 80, 220],
  yellow: [235, 205, 40],
  purple: [150, 60, 190],
  orange: [240, 130, 30],
};

/** Side of every sample image in pixels. */
export const IMAGE_SIZE = 32;

/** Half the extent of a shape in pixels, by size word; scenes without a word use either range. */
export const RADIUS: Record<Size, readonly [low: number, high: number]> = {
  small: [3.4, 4.2],
  large: [5.6, 6.6],
};

/** A reader takes a shape with a larger radius than this for large. */
export const SIZE_BOUNDARY = 4.9;

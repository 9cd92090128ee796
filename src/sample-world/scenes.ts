/**
 * Small scenes as LAION-SG annotations: one to three shapes, each with a colour and perhaps a size word,
 * and spatial relations between them. Deterministic in the random stream.
 */
import type { Annotation, Item, Relation } from '../annotations/annotation.ts';
import { nodeText, promptText } from '../annotations/prompt.ts';
import { hashSeed, type Random } from '../random.ts';
import {
  COLOURS,
  type Colour,
  IMAGE_SIZE,
  RADIUS,
  RELATIONS,
  SHAPES,
  type Shape,
  SIZES,
  type SpatialRelation,
} from './vocabulary.ts';

/** Where the painter puts an item: centre and radius in pixels, y downwards. */
export interface Placement {
  shape: Shape;
  colour: Colour;
  x: number;
  y: number;
  radius: number;
}

export interface Scene {
  annotation: Annotation;
  /** In the order of annotation.items. */
  layout: Placement[];
}

const HELD_OUT_ONE_IN = 10;
/** Free pixels between two shapes' extents along the axis that relates them. */
const GAP = 1;
const MARGIN = 0.5;
/** Of 20 scenes, how many have one, two and three items. */
const ITEM_COUNTS = [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3] as const;

/** The direction from the object to the subject that a relation word states. */
const DIRECTIONS: Record<SpatialRelation, readonly [dx: number, dy: number]> = {
  'left of': [-1, 0],
  'right of': [1, 0],
  above: [0, -1],
  below: [0, 1],
};

/** Draws scenes until one fits into the image, so every call returns one. */
export function sampleScene(random: Random): Scene {
  for (;;) {
    const scene = tryScene(random);
    if (scene) return scene;
  }
}

/**
 * Whether a scene belongs to the tenth of all graphs that pretraining never sees. By content: two scenes
 * with the same graph are on the same side, whatever their ids.
 */
export function isHeldOut(annotation: Annotation): boolean {
  return hashSeed('held-out', promptText(annotation)) % HELD_OUT_ONE_IN === 0;
}

function tryScene(random: Random): Scene | null {
  const count = ITEM_COUNTS[random.int(ITEM_COUNTS.length)]!;
  const items = Array.from({ length: count }, (_, i) => sampleItem(random, i));
  if (new Set(items.map(bareText)).size < count) return null;
  const relations: Relation[] = [];
  for (let i = 0; i + 1 < count; i++) {
    const relation = RELATIONS[random.int(RELATIONS.length)]!;
    relations.push({ triple_id: i, item1: i, relation, item2: i + 1, global_relation_id: random.int(1e6) });
  }
  const layout = placeItems(items, relations, random);
  if (!layout) return null;
  const annotation: Annotation = {
    img_id: String(random.int(1e9)),
    name: `${random.int(1e9)}.png`,
    caption_ori: '',
    score: (6.5 + random.next()).toFixed(6),
    url: '',
    items,
    relations,
  };
  annotation.caption_ori = caption(annotation);
  return { annotation, layout };
}

function sampleItem(random: Random, item_id: number): Item {
  const label = SHAPES[random.int(SHAPES.length)]!;
  const colour = COLOURS[random.int(COLOURS.length)]!;
  const sizes = random.next() < 0.5 ? [SIZES[random.int(SIZES.length)]!] : [];
  return { item_id, label, attributes: [...sizes, colour], global_item_id: random.int(1e8) };
}

/** Shape and colour alone: two items of a scene differ in one of them, so every question is decidable. */
const bareText = (item: Item) => `${item.attributes.at(-1)} ${item.label}`;

function placeItems(items: Item[], relations: Relation[], random: Random): Placement[] | null {
  const placements: Placement[] = [];
  const uniform = (low: number, high: number) => low + (high - low) * random.next();
  for (const [i, item] of items.entries()) {
    const size =
      item.attributes.length > 1 ? (item.attributes[0] as 'small' | 'large') : SIZES[random.int(2)]!;
    const radius = uniform(...RADIUS[size]);
    const low = radius + MARGIN;
    const high = IMAGE_SIZE - radius - MARGIN;
    let [x, y] = [uniform(low, high), uniform(low, high)];
    if (i > 0) {
      // The chain "item i-1 RELATION item i": this one lies on the other side, mainly along one axis.
      const before = placements[i - 1]!;
      const [dx, dy] = DIRECTIONS[relations[i - 1]!.relation as SpatialRelation];
      const distance = before.radius + radius + GAP + uniform(0, 6);
      const drift = uniform(-0.45, 0.45) * distance;
      x = before.x - dx * distance + (dx === 0 ? drift : 0);
      y = before.y - dy * distance + (dy === 0 ? drift : 0);
    }
    if (x < low || x > high || y < low || y > high) return null;
    const placed = { shape: item.label as Shape, colour: item.attributes.at(-1) as Colour, x, y, radius };
    if (placements.some((other) => overlaps(placed, other))) return null;
    placements.push(placed);
  }
  return placements;
}

function overlaps(a: Placement, b: Placement): boolean {
  const reach = a.radius + b.radius + GAP;
  return Math.abs(a.x - b.x) < reach && Math.abs(a.y - b.y) < reach;
}

function caption(annotation: Annotation): string {
  const names = annotation.items.map((item) => `a ${nodeText(item)}`);
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

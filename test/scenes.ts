/** Small LAION-SG annotations for tests. */
import type { Annotation } from '../src/annotations/annotation.ts';

const SHAPES = ['circle', 'square', 'triangle', 'cross'];
const COLOURS = ['red', 'green', 'blue', 'yellow', 'purple'];

/** A scene of two shapes that the sample world can paint; `number` decides what is in it. */
export function scene(imgId: string, number = 0): Annotation {
  const item = (id: number, n: number) => ({
    item_id: id,
    label: SHAPES[n % SHAPES.length]!,
    attributes: [COLOURS[n % COLOURS.length]!],
  });
  return {
    img_id: imgId,
    name: `${imgId}.jpg`,
    caption_ori: 'two shapes',
    score: '6.5',
    url: '',
    items: [item(0, number), item(1, number + 1)],
    relations: [{ triple_id: 0, item1: 0, relation: 'left of', item2: 1 }],
  };
}

/** `count` scenes with img_ids PREFIX000, PREFIX001, ... */
export const scenes = (count: number, prefix = 's'): Annotation[] =>
  Array.from({ length: count }, (_, i) => scene(`${prefix}${String(i).padStart(3, '0')}`, i));

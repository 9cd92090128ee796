/** Pick-a-Pic files with small real images, whose every value is known. */
import sharp from 'sharp';
import { PICKAPIC_COLUMNS } from '../../src/export/layouts/pickapic.ts';
import { parquetWriter } from '../../src/export/parquet.ts';
import type { Column, Row } from '../../src/export/table.ts';

/** The dataset's own columns. */
export const COLUMNS: readonly Column[] = PICKAPIC_COLUMNS.slice(0, 19);
export const LABELS = [1, 0, 0.5] as const;

const made = new Map<number, Promise<Buffer>>();

/** JPEG, as in the dataset: 32 x 48 of one of 256 colours. */
export function jpeg(shade: number): Promise<Buffer> {
  const r = shade % 256;
  const image =
    made.get(r) ??
    sharp({ create: { width: 32, height: 48, channels: 3, background: { r, g: 255 - r, b: 99 } } })
      .jpeg()
      .toBuffer();
  made.set(r, image);
  return image;
}

export async function pickapicRow(n: number): Promise<Row> {
  const label = LABELS[n % LABELS.length]!;
  return {
    ...{ are_different: true, best_image_uid: label === 0.5 ? 'tie' : `uid-${n}-${1 - label}` },
    ...{ caption: n === 1 ? 'ein Würfel\u2028mit 🎲' : `a cube ${n}`, created_at: new Date(1e12 + n) },
    ...{
      has_label: true,
      image_0_uid: `uid-${n}-0`,
      image_0_url: '',
      image_1_uid: `uid-${n}-1`,
      image_1_url: '',
    },
    ...{ jpg_0: await jpeg(2 * n), jpg_1: await jpeg(2 * n + 1), label_0: label, label_1: 1 - label },
    ...{ model_0: 'dreamlike-art/dreamlike-photoreal-2.0', model_1: null },
    // No number holds this one.
    ...{ ranking_id: 2n ** 60n + BigInt(n), user_id: BigInt(7 + n), num_example_per_prompt: 1 },
    __index_level_0__: n,
  };
}

/** `change`: of a row, by its number. `groups`: rows of each row group are what was written at once. */
export async function writePickapic(
  file: string,
  rows: number,
  change: (row: Row, n: number) => Row = (row) => row,
  columns = COLUMNS,
): Promise<void> {
  const writer = await parquetWriter(file, columns);
  for (let n = 0; n < rows; n++) await writer.write(change(await pickapicRow(n), n));
  await writer.close();
}

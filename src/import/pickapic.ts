/**
 * Pick-a-Pic (yuvalkirstain/pickapic_v1 and _v2), or whatever has its columns: a row is an annotation that is a caption
 * alone, with two candidates. The label of each is a score of the metric "label", so that the pairs which follow from
 * the scores are the ones that people chose; a half is a tie.
 */
import type { Annotation } from '../annotations/annotation.ts';
import { promptText } from '../annotations/prompt.ts';
import { validateAnnotation } from '../annotations/validate.ts';
import { PICKAPIC_COLUMNS } from '../export/layouts/pickapic.ts';
import type { ReadAnnotation, ReadCandidate } from './imported.ts';
import { type ReadColumn, type ReadRow, readParquet } from './parquet-file.ts';

/** What an import of kind "pickapic" is weighed by. */
export const LABEL = 'label';

/** The trainers need no others. */
const REQUIRED = ['caption', 'jpg_0', 'jpg_1', 'label_0'];
/** The 19 columns of the dataset stand first; are_different and __index_level_0__ say nothing that the rest does not. */
const COLUMNS: readonly ReadColumn[] = PICKAPIC_COLUMNS.slice(0, 19)
  .filter(({ name }) => name !== 'are_different' && name !== '__index_level_0__')
  .map(({ name, type }) => ({ name, type, required: REQUIRED.includes(name) }));
const KEPT = COLUMNS.map(({ name }) => name).filter(
  (name) => !/^(caption|has_label|jpg_|label_|model_)/.test(name),
);

/** Rows of a file. `name`: the file's within what is imported; with the row's number it makes the img_id. */
export async function* readPickapic(path: string, name: string): AsyncGenerator<ReadAnnotation> {
  const stem = name.replace(/\.parquet$/, '').replaceAll('/', '.');
  let at = 0;
  for await (const row of readParquet(path, name, COLUMNS)) {
    // Padded, so that the order of img_ids is that of the rows.
    yield annotationOf(row, `${stem}-${String(at++).padStart(8, '0')}`);
  }
}

function annotationOf({ values, fail }: ReadRow, imgId: string): ReadAnnotation {
  const kept = KEPT.flatMap((column) => (values[column] === null ? [] : [[column, plain(values[column])]]));
  const { annotation, problem } = validateAnnotation({
    ...{ img_id: imgId, caption_ori: values.caption, items: [], relations: [] },
    pickapic: Object.fromEntries(kept),
  }) as { annotation?: Annotation; problem?: { field: string; reason: string } };
  if (!annotation) throw fail('caption', problem!.reason);
  const labels = labelsOf({ values, fail });
  const candidates = ([0, 1] as const).map(
    (slot): ReadCandidate => ({
      ...{ slot, seed: null, bytes: values[`jpg_${slot}`] as Uint8Array },
      generation: {
        model: (values[`model_${slot}`] as string | null) ?? 'unknown',
        ...{ modelHash: null, sampler: null, steps: null, guidance: null },
      },
      scores: labels
        ? [{ metric: LABEL, mode: 'imported', version: '1', value: labels[slot], evidence: {} }]
        : [],
      fail: (what) => fail(`jpg_${slot}`, what),
    }),
  );
  return { imgId, content: { body: annotation, prompt: promptText(annotation) }, candidates };
}

/** Null where the row has none: its images then make no pair. */
function labelsOf({ values, fail }: ReadRow): [number, number] | null {
  if (values.has_label === false) return null;
  const label = values.label_0 as number;
  if (![0, 0.5, 1].includes(label)) throw fail('label_0', `is ${label}, must be 0, 0.5 or 1`);
  const other = values.label_1 ?? 1 - label;
  if (other !== 1 - label)
    throw fail('label_1', `is ${other}, but label_0 is ${label}: together they must be 1`);
  return [label, 1 - label];
}

/** As JSON has it; an integer as text, for 64 bits are more than a number holds. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return typeof value === 'bigint' || typeof value === 'number' ? String(value) : value;
}

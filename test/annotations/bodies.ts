/** Request bodies for tests: records as text, cut into chunks anywhere. */
import { type AnnotationRecord, readAnnotations } from '../../src/annotations/records.ts';

export function record(id: string, extra: Record<string, unknown> = {}): string {
  const items = [
    { item_id: 0, label: 'cat', attributes: ['black', 'é"\\[{,'] },
    { item_id: 1, label: 'chair', attributes: [] },
  ];
  const relations = [{ triple_id: 0, item1: 0, relation: 'sits on', item2: 1 }];
  return JSON.stringify({ img_id: id, items, relations, ...extra });
}

export async function* chunked(body: Uint8Array | string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(body as string);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function* pieces(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

/** Every record as "LINE ID", or "LINE FIELD: REASON" when rejected. */
export async function read(body: AsyncIterable<Uint8Array>): Promise<string[]> {
  return (await Array.fromAsync(readAnnotations(body))).map(told);
}

export function told(record: AnnotationRecord): string {
  const { line, problem } = record;
  return problem ? `${line} ${problem.field}: ${problem.reason}` : `${line} ${record.annotation.img_id}`;
}

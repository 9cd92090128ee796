/** An Arrow stream of the service as a Parquet file, batch by batch. */
import { DataType, RecordBatchReader } from 'apache-arrow';
import { parquetWriter } from '../export/parquet.ts';
import type { Column, ColumnType } from '../export/table.ts';

export async function fetchStream({ body }: Response, file: string): Promise<void> {
  const reader = await RecordBatchReader.from(body as unknown as AsyncIterable<Uint8Array>);
  await reader.open();
  const columns = reader.schema.fields.map(
    ({ name, type }): Column => ({ name, type: columnType(type), about: '' }),
  );
  const writer = await parquetWriter(file, columns);
  for await (const batch of reader) {
    for (const row of batch.toArray()) await writer.write(row.toJSON());
  }
  await writer.close();
}

/** Of the types that the service's streams have. */
function columnType(type: DataType): ColumnType {
  if (DataType.isUtf8(type)) return 'string';
  if (DataType.isBool(type)) return 'bool';
  if (DataType.isFloat(type)) return 'float64';
  return DataType.isInt(type) && type.bitWidth === 64 ? 'int64' : 'int32';
}

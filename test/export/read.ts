/** Exported Parquet as hyparquet reads it. */
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';

export type ReadRow = Record<string, unknown>;

/** Rows of a file; strings are decoded, bytes are not. */
export async function readRows(file: string): Promise<ReadRow[]> {
  return parquetReadObjects({ file: await asyncBufferFromFile(file), utf8: false });
}

export async function readMetadata(file: string): Promise<FileMetaData> {
  return parquetMetadataAsync(await asyncBufferFromFile(file));
}

/** The footer's note to Hugging Face: features by column. */
export function featuresOf(metadata: FileMetaData): Record<string, { dtype?: string; _type: string }> {
  const note = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface');
  return JSON.parse(note!.value!).info.features;
}

/** Columns as the file declares them: "name TYPE/CONVERTED", children after their struct. */
export function declared(metadata: FileMetaData): string[] {
  return metadata.schema
    .slice(1)
    .map(({ name, type, converted_type }) => `${name} ${type ?? 'struct'}/${converted_type ?? '-'}`);
}

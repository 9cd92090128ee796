/** Whether a Parquet column is of one of our types. */
import type { SchemaElement, SchemaTree } from 'hyparquet';
import type { ColumnType } from '../export/table.ts';

const isText = ({ type, converted_type, logical_type }: SchemaElement) =>
  type === 'BYTE_ARRAY' && (converted_type === 'UTF8' || logical_type?.type === 'STRING');
const isBinary = (element: SchemaElement) => element.type === 'BYTE_ARRAY' && !isText(element);
const isTime = ({ type, converted_type, logical_type }: SchemaElement) =>
  type === 'INT96' || Boolean(converted_type?.startsWith('TIMESTAMP')) || logical_type?.type === 'TIMESTAMP';

/** Narrower numbers fit as well. */
const LEAF: Record<Exclude<ColumnType, 'image'>, (element: SchemaElement) => boolean> = {
  string: isText,
  int32: ({ type }) => type === 'INT32',
  int64: (element) => (element.type === 'INT64' || element.type === 'INT32') && !isTime(element),
  float64: ({ type }) => type === 'DOUBLE' || type === 'FLOAT',
  bool: ({ type }) => type === 'BOOLEAN',
  binary: isBinary,
  timestamp: isTime,
};

/** What is wrong with it, null when it fits. */
export function checkColumn(wanted: ColumnType, { element, children }: SchemaTree): string | null {
  const parts = [element, ...children.map((child) => child.element)];
  const repeated = parts.some(({ repetition_type }) => repetition_type === 'REPEATED');
  const fits =
    wanted === 'image'
      ? children.some((child) => child.element.name === 'bytes' && isBinary(child.element))
      : children.length === 0 && LEAF[wanted](element);
  if (fits && !repeated) return null;
  const kind = element.converted_type ?? element.logical_type?.type;
  const found = element.type ? `${element.type}${kind ? ` (${kind})` : ''}` : 'a group of columns';
  return `is ${found}${repeated ? ', repeated' : ''}, must be ${wanted}`;
}

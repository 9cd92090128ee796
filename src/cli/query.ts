/** `diptych query SQL`: DuckDB over the files of an export, or over a run's scores, rewards and pairs. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Client } from '../../clients/typescript/client.ts';
import { downloadFile } from '../../clients/typescript/files.ts';
import { asError, DiptychError } from '../errors.ts';
import { type Asked, EXIT, type ServiceValues, serviceOf, UsageError } from './command.ts';
import { fetchStream } from './fetch-stream.ts';
import type { Output } from './output.ts';
import { formatTable } from './progress.ts';
import { type Tables, tablesOf } from './query-tables.ts';

const STREAMS = ['scores', 'rewards', 'pairs'];
/** Longest cell of a table. */
const CELL = 60;

interface QueryValues extends ServiceValues {
  run: string | undefined;
  export: string | undefined;
  csv: boolean;
}

export async function query({ args: [sql, ...files], values, out }: Asked<QueryValues>): Promise<number> {
  const { run, export: exportId } = values;
  if (files.length === 0 && run === undefined && exportId === undefined) {
    throw new UsageError('FILES are missing, or --run or --export: what is to be queried?');
  }
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'diptych-query-'));
  try {
    const tables = await tablesOf(files);
    if (run !== undefined) Object.assign(tables, await tablesOfRun(serviceOf(values), run, scratch));
    if (exportId !== undefined)
      Object.assign(tables, await tablesOfExport(serviceOf(values), exportId, scratch));
    await (out.isJson ? printJson : values.csv ? printCsv : printTable)(rowsOf(sql!, tables), out);
    return EXIT.done;
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** Rows, several at a time. Throws DIPTYCH_INVALID_INPUT for SQL that DuckDB refuses. */
async function* rowsOf(
  sql: string,
  tables: Tables,
): AsyncGenerator<{ columns: string[]; rows: unknown[][] }> {
  const { DuckDBInstance } = await import('@duckdb/node-api').catch((cause: unknown) => {
    throw new DiptychError(
      'DIPTYCH_NOT_FOUND',
      'DuckDB is not installed: `npm install --include=optional` fetches @duckdb/node-api (70 MB); the files can be read with any other tool',
      { cause },
    );
  });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    for (const [name, source] of Object.entries(tables)) {
      await connection.run(`CREATE VIEW "${name}" AS SELECT * FROM ${source}`);
    }
    const result = await connection.stream(sql);
    const columns = result.deduplicatedColumnNames();
    yield { columns, rows: [] };
    for await (const rows of result.yieldRowsJs()) yield { columns, rows };
  } catch (thrown) {
    const known = Object.keys(tables).join(', ');
    throw new DiptychError('DIPTYCH_INVALID_INPUT', `${asError(thrown).message}\n\ntables: ${known}`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function tablesOfRun(client: Client, run: string, folder: string): Promise<Tables> {
  const tables: Tables = {};
  for (const name of STREAMS) {
    const file = path.join(folder, `${name}.parquet`);
    await fetchStream(await client.send(`/v1/runs/${run}/${name}.arrow`), file);
    Object.assign(tables, await tablesOf([file]));
  }
  return tables;
}

async function tablesOfExport(client: Client, id: string, folder: string): Promise<Tables> {
  const target = path.join(folder, 'export');
  for await (const file of client.exportFiles(id)) {
    if (/\.(parquet|jsonl?)$/.test(file.name)) await downloadFile(client, file, target);
  }
  return tablesOf([target]);
}

type Batches = ReturnType<typeof rowsOf>;

async function printTable(batches: Batches, out: Output): Promise<void> {
  let header: string[] = [];
  const cells: string[][] = [];
  for await (const { columns, rows } of batches) {
    header = columns;
    cells.push(...rows.map((row) => row.map(cell)));
  }
  out.text(formatTable(header, cells));
}

/** An array, an object a line. */
async function printJson(batches: Batches, out: Output): Promise<void> {
  let opening = '[';
  for await (const { columns, rows } of batches) {
    for (const row of rows) {
      const values = Object.fromEntries(columns.map((name, i) => [name, plain(row[i])]));
      out.text(`${opening}${JSON.stringify(values)}`);
      opening = ',';
    }
  }
  out.text(opening === '[' ? '[]' : ']');
}

async function printCsv(batches: Batches, out: Output): Promise<void> {
  const line = (values: readonly string[]) =>
    values.map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',');
  let first = true;
  for await (const { columns, rows } of batches) {
    if (first) out.text(line(columns));
    first = false;
    for (const row of rows) out.text(line(row.map((value) => (value === null ? '' : textOf(value)))));
  }
}

function cell(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  const text = value === null ? 'NULL' : textOf(value).replaceAll(/\s+/g, ' ');
  return text.length > CELL ? `${text.slice(0, CELL - 1)}…` : text;
}

function textOf(value: unknown): string {
  const simple = plain(value);
  return typeof simple === 'object' ? JSON.stringify(simple) : String(simple);
}

/** What JSON has no word for: large integers as text, bytes as base64. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

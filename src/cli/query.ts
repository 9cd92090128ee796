/** `diptych query SQL`: DuckDB over the files of an export, or over a run's scores, rewards and pairs. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { asError, DiptychError } from '../errors.ts';
import { openClient } from './client.ts';
import { download } from './download.ts';
import { fetchStream } from './fetch-stream.ts';
import { formatTable } from './progress.ts';
import { type Tables, tablesOf } from './query-tables.ts';

const USAGE = `npm run diptych -- query SQL FILES | --run RUN | --export EXPORT [--json | --csv] [--url URL]
  SQL      over a table for each layout of an export, with "_" for "-", or for each file, by its name
  FILES    folders of exports; Parquet, JSON or CSV files
  RUN      tables: scores, rewards, pairs, under the run's own policy
  EXPORT   its files are fetched for the query
  URL      of the service, or DIPTYCH_URL: the address that \`npm start\` prints`;

const STREAMS = ['scores', 'rewards', 'pairs'];
/** Longest cell of a table. */
const CELL = 60;

export async function queryCommand(args: readonly string[]): Promise<number> {
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'diptych-query-'));
  try {
    const { sql, print, fetchTables, files } = asked(args);
    const tables = { ...(await tablesOf(files)), ...(await fetchTables(scratch)) };
    await print(query(sql, tables));
    return 0;
  } catch (thrown) {
    console.error(asError(thrown).message);
    return 1;
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** Rows, several at a time. Throws DIPTYCH_INVALID_INPUT for SQL that DuckDB refuses. */
async function* query(sql: string, tables: Tables): AsyncGenerator<{ columns: string[]; rows: unknown[][] }> {
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

function asked(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...{ run: { type: 'string' }, export: { type: 'string' } },
      ...{ json: { type: 'boolean' }, csv: { type: 'boolean' } },
      url: { type: 'string', default: process.env.DIPTYCH_URL },
    },
  });
  const [sql, ...files] = positionals;
  const { run, export: exportId } = values;
  const remote = run !== undefined || exportId !== undefined;
  if (sql === undefined || (files.length === 0 && !remote) || (remote && !values.url)) {
    throw new DiptychError('DIPTYCH_INVALID_INPUT', USAGE);
  }
  const url = values.url?.replace(/\/$/, '') ?? '';
  return {
    sql,
    files,
    print: values.json ? printJson : values.csv ? printCsv : printTable,
    /** Tables of what the service has, by files in a folder of the query's own. */
    async fetchTables(folder: string): Promise<Tables> {
      const tables: Tables = {};
      for (const name of run === undefined ? [] : STREAMS) {
        const file = path.join(folder, `${name}.parquet`);
        await fetchStream(`${url}/v1/runs/${run}/${name}.arrow`, file);
        Object.assign(tables, await tablesOf([file]));
      }
      if (exportId === undefined) return tables;
      const target = path.join(folder, 'export');
      for await (const file of openClient(url).exportFiles(exportId)) {
        if (/\.(parquet|jsonl?)$/.test(file.name)) await download(url, file, target);
      }
      return { ...tables, ...(await tablesOf([target])) };
    },
  };
}

type Batches = ReturnType<typeof query>;

async function printTable(batches: Batches): Promise<void> {
  let header: string[] = [];
  const cells: string[][] = [];
  for await (const { columns, rows } of batches) {
    header = columns;
    cells.push(...rows.map((row) => row.map(cell)));
  }
  console.log(formatTable(header, cells));
}

/** An array, an object a line. */
async function printJson(batches: Batches): Promise<void> {
  let opening = '[';
  for await (const { columns, rows } of batches) {
    for (const row of rows) {
      const values = Object.fromEntries(columns.map((name, i) => [name, plain(row[i])]));
      console.log(`${opening}${JSON.stringify(values)}`);
      opening = ',';
    }
  }
  console.log(opening === '[' ? '[]' : ']');
}

async function printCsv(batches: Batches): Promise<void> {
  const line = (values: readonly string[]) =>
    values.map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',');
  let first = true;
  for await (const { columns, rows } of batches) {
    if (first) console.log(line(columns));
    first = false;
    for (const row of rows) console.log(line(row.map((value) => (value === null ? '' : textOf(value)))));
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

/**
 * `npm run bench -- NAME [--json]`: runs one bench of this folder, or all without a name.
 * Several run one after the other, each in a process of its own: what one loaded or set would count in the next.
 * A bench measures one claim against a peer or a limit in the same run; with --json the last line, or
 * lines, are `{bench, value, unit, peer, peerValue, ratio}`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import path from 'node:path';

export interface BenchResult {
  bench: string;
  value: number;
  unit: string;
  /** What it was measured beside; null where the peer is not on this machine (said loudly). */
  peer: string | null;
  peerValue: number | null;
  /** value / peerValue, in the sense that the bench's own text states. */
  ratio: number | null;
}

const isFlag = (argument: string) => argument.startsWith('--');
const given = process.argv.slice(2);
const names = given.filter((argument) => !isFlag(argument));
const all = globSync('*.ts', { cwd: import.meta.dirname })
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => name !== 'run');

if (names.length === 1) await runHere(names[0]!);
else for (const name of names.length > 0 ? names : all.sort()) runApart(name);

async function runHere(name: string): Promise<void> {
  const file = path.join(import.meta.dirname, `${name}.ts`);
  if (!existsSync(file)) {
    console.error(`no bench "${name}"; there are: ${all.sort().join(', ')}`);
    process.exit(1);
  }
  const bench = (await import(file)) as { run(): Promise<BenchResult | BenchResult[]> };
  for (const result of [await bench.run()].flat()) report(result);
}

function runApart(name: string): void {
  const { status } = spawnSync(
    process.execPath,
    [...process.execArgv, import.meta.filename, name, ...given.filter(isFlag)],
    { stdio: 'inherit' },
  );
  if (status !== 0) process.exit(status ?? 1);
}

function report(result: BenchResult): void {
  if (process.argv.includes('--json')) console.log(JSON.stringify(result));
  else {
    const beside =
      result.peer === null ? 'no peer here' : `${result.peer} ${result.peerValue?.toPrecision(4)}`;
    console.log(
      `${result.bench}: ${result.value.toPrecision(4)} ${result.unit} (${beside}, ratio ${result.ratio?.toFixed(2) ?? '-'})`,
    );
  }
}

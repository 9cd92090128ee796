/** What docs/cli.md says of each command and of the ways to end, made of the same table as the command itself. */
import path from 'node:path';
import { EVERYWHERE, EXIT, EXIT_CODES, takenBy, usageOf } from './command.ts';
import { COMMANDS } from './commands.ts';

export const DOCS = path.resolve(import.meta.dirname, '../../docs/cli.md');

const marks = (name: string) => [`<!-- ${name}: npm run cli-docs -->`, `<!-- /${name} -->`] as const;

function exitCodes(): string {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
  return table(
    ['code', 'what it says'],
    names.map((name) => [String(EXIT[name]), EXIT_CODES[name]]),
  );
}

/** --json and --help are said once, above. */
function commands(): string {
  const sections = Object.entries(COMMANDS).map(([name, command]) => {
    const rows = takenBy(command)
      .filter(([left]) => !Object.keys(EVERYWHERE).some((option) => left === `--${option}`))
      .map(([left, right]) => [`\`${left}\``, right]);
    return [
      `### ${name}`,
      '',
      `\`${usageOf(name, command)}\`: ${command.about}`,
      ...(rows.length > 0 ? ['', table(['argument', 'what it is'], rows)] : []),
      '',
      `\`--json\`: ${command.json}`,
    ].join('\n');
  });
  return sections.join('\n\n');
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = header.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const [first, ...rest] = cells;
  return [line(first!), line(widths.map((width) => '-'.repeat(width))), ...rest.map(line)].join('\n');
}

/** The page with what stands between its marks brought up to date. */
export function withCliDocs(page: string): string {
  return Object.entries({ 'exit codes': exitCodes(), commands: commands() }).reduce((text, [name, made]) => {
    const [begin, end] = marks(name);
    const [before, rest] = text.split(begin);
    return `${before}${begin}\n\n${made}\n\n${end}${rest!.split(end)[1]}`;
  }, page);
}

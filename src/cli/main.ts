/** The `diptych` command: `npm run diptych -- COMMAND`, or `diptych COMMAND` after docs/cli.md. */
import { EXIT, runCommand } from './command.ts';
import { COMMANDS, findCommand } from './commands.ts';
import { openOutput } from './output.ts';

const argv = process.argv.slice(2);
const out = openOutput(argv.includes('--json'));
// A reader that has seen enough (`| head`) closes the pipe.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) =>
  process.exit(code === 'EPIPE' ? EXIT.done : EXIT.failed),
);

const found = findCommand(argv);
if (found) process.exit(await runCommand(found.name, COMMANDS[found.name]!, found.rest, out));

const words = argv.filter((word) => !word.startsWith('-'));
const names = Object.keys(COMMANDS).filter((name) => words.length === 0 || name.split(' ')[0] === words[0]);
const listed = names.length > 0 ? names : Object.keys(COMMANDS);
const width = Math.max(...listed.map((name) => name.length));
const text = [
  'diptych COMMAND, where COMMAND is one of',
  ...listed.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name]!.about}`),
  '`diptych COMMAND --help` says what it takes, docs/cli.md shows it',
].join('\n');
if (words.length === 0) {
  out.result(
    listed.map((name) => ({ name, about: COMMANDS[name]!.about })),
    text,
  );
  process.exit(EXIT.done);
}
const wrong = `there is no command "${argv.join(' ')}"`;
out.error('USAGE', out.isJson ? wrong : `${wrong}\n${text}`);
process.exit(EXIT.usage);

/** A line of the `diptych` command in this process: what it says where, and its exit code. */
import { runCommand } from '../../src/cli/command.ts';
import { COMMANDS, findCommand } from '../../src/cli/commands.ts';
import { openOutput } from '../../src/cli/output.ts';

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

export async function diptych(...argv: string[]): Promise<Said> {
  const said = { stdout: '', stderr: '' };
  const to = (name: keyof typeof said) => ({
    write: (text: string) => {
      said[name] += text;
    },
  });
  const out = openOutput(argv.includes('--json'), { stdout: to('stdout'), stderr: to('stderr') });
  const { name, rest } = findCommand(argv)!;
  const code = await runCommand(name, COMMANDS[name]!, rest, out);
  return { code, ...said };
}

/** `diptych completion SHELL`: what bash, zsh and fish complete the command by, made of the table of commands. */
import { type Argument, type Asked, type Command, EVERYWHERE, EXIT, type Option } from './command.ts';

type Commands = Record<string, Command>;

const SHELLS = { bash, zsh, fish };

export const completion =
  (commands: Commands) =>
  async ({ args: [shell], out }: Asked): Promise<number> => {
    const script = SHELLS[shell as keyof typeof SHELLS](commands);
    out.result({ shell, script }, script);
    return EXIT.done;
  };

/** Single words that a word of the command can be, by what stands before it: '' or a first word. */
function wordsOf(commands: Commands): Map<string, Set<string>> {
  const words = new Map<string, Set<string>>();
  for (const name of Object.keys(commands)) {
    const [first = '', second] = name.split(' ');
    words.set('', (words.get('') ?? new Set()).add(first));
    if (second !== undefined) words.set(first, (words.get(first) ?? new Set()).add(second));
  }
  return words;
}

const optionsOf = ({ options }: Command) => Object.entries({ ...options, ...EVERYWHERE });

/** What stands for the value of an option or argument: its choices, paths, or nothing to offer. */
type Taken = Pick<Option & Argument, 'choices' | 'isPath'>;

function bash(commands: Commands): string {
  const offer = ({ choices, isPath }: Taken) =>
    choices
      ? `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$cur"))`
      : isPath
        ? '_diptych_files'
        : 'COMPREPLY=()';
  const branches = Object.entries(commands).map(([name, one]) => {
    const options = optionsOf(one);
    const valued = options.filter(([, { value }]) => value !== undefined);
    return [
      `    '${name}')`,
      '      case "$prev" in',
      ...valued.map(([option, taken]) => `        --${option}) ${offer(taken)}; return ;;`),
      '      esac',
      `      [[ $cur == -* ]] && { COMPREPLY=($(compgen -W '${options.map(([option]) => `--${option}`).join(' ')}' -- "$cur")); return; }`,
      `      local valued=' ${valued.map(([option]) => `--${option}`).join(' ')} '`,
      '      _diptych_place',
      '      case $place in',
      ...one.args.map((taken, i) => `        ${taken.many ? '*' : i}) ${offer(taken)} ;;`),
      '      esac ;;',
    ].join('\n');
  });
  const groups = [...wordsOf(commands)].map(
    ([first, words]) => `    '${first}') COMPREPLY+=($(compgen -W '${[...words].join(' ')}' -- "$cur")) ;;`,
  );
  return `# bash completion of diptych: source <(diptych completion bash)
_diptych_files() {
  compopt -o filenames 2>/dev/null
  local IFS=$'\\n'
  COMPREPLY=($(compgen -f -- "$cur"))
}
# Which argument the cursor is at: words after the command that are neither options nor their values.
_diptych_place() {
  place=0
  local i
  for ((i = first; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} == -* ]]; then
      [[ $valued == *" \${COMP_WORDS[i]} "* ]] && ((i++))
    else
      ((place++))
    fi
  done
}
_diptych() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} place first name
  COMPREPLY=()
  local names=' ${Object.keys(commands)
    .map((name) => `[${name}]`)
    .join(' ')} '
  name="\${COMP_WORDS[1]:-} \${COMP_WORDS[2]:-}" first=3
  if ((COMP_CWORD < 3)) || [[ $names != *"[$name]"* ]]; then name=\${COMP_WORDS[1]:-} first=2; fi
  if ((COMP_CWORD >= first)); then
    case $name in
${branches.join('\n')}
    esac
  fi
  local before=
  ((COMP_CWORD == 2)) && before=\${COMP_WORDS[1]}
  ((COMP_CWORD > 2)) && return
  case $before in
${groups.join('\n')}
  esac
}
complete -F _diptych diptych`;
}

/** Within single quotes of a shell. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

function zsh(commands: Commands): string {
  const action = ({ choices, isPath }: Taken) =>
    choices ? `(${choices.join(' ')})` : isPath ? '_files' : ' ';
  const told = (text: string) => text.replaceAll(/[[\]:]/g, '\\$&');
  const branches = Object.entries(commands).map(([name, one]) => {
    const specs = [
      ...optionsOf(one).map(([option, taken]) =>
        quoted(
          `${taken.multiple ? '*' : ''}--${option}[${told(taken.about)}]${taken.value ? `:${taken.value}:${action(taken)}` : ''}`,
        ),
      ),
      ...one.args.map((taken, i) =>
        quoted(`${taken.many ? '*' : i + 1}:${taken.optional ? ':' : ''}${taken.name}:${action(taken)}`),
      ),
    ];
    return `    ${quoted(name)})\n      _arguments ${specs.join(' \\\n        ')} ;;`;
  });
  const about = (first: string, word: string) => {
    const name = first === '' ? word : `${first} ${word}`;
    const one = commands[name];
    return quoted(
      `${word}:${told(
        one?.about ??
          Object.keys(commands)
            .filter((known) => known.startsWith(`${word} `))
            .join(', '),
      )}`,
    );
  };
  const groups = [...wordsOf(commands)].map(
    ([first, words]) =>
      `    ${quoted(first)}) offered+=(${[...words].map((word) => about(first, word)).join(' ')}) ;;`,
  );
  return `#compdef diptych
# zsh completion of diptych: source <(diptych completion zsh)
_diptych() {
  local name taken
  local -a offered names
  names=(${Object.keys(commands).map(quoted).join(' ')})
  name="$words[2] $words[3]" taken=2
  if (( CURRENT < 4 )) || (( ! \${names[(Ie)$name]} )); then name=$words[2] taken=1; fi
  local before=
  (( CURRENT == 3 )) && before=$words[2]
  if (( CURRENT < 4 )); then
    case $before in
${groups.join('\n')}
    esac
    (( $#offered )) && _describe command offered
  fi
  (( CURRENT > taken + 1 )) || return 0
  shift $taken words
  (( CURRENT -= taken ))
  case $name in
${branches.join('\n')}
  esac
}
compdef _diptych diptych`;
}

function fish(commands: Commands): string {
  const value = ({ choices, isPath }: Taken) =>
    choices ? ` -xa ${quoted(choices.join(' '))}` : isPath ? ' -rF' : ' -x';
  const text = (about: string) => ` -d ${quoted(about.replaceAll('\\', '\\\\'))}`;
  const lines = Object.entries(commands).flatMap(([name, one]) => {
    const options = optionsOf(one);
    const valued = options.filter(([, taken]) => taken.value).map(([option]) => `--${option}`);
    const at = (place: string | number) =>
      `-c diptych -n ${quoted(`__diptych_at '${name}' ${place} ${valued.join(' ')}`)}`;
    return [
      ...options.map(
        ([option, taken]) =>
          `complete ${at('any')} -l ${option}${taken.value ? value(taken) : ''}${text(taken.about)}`,
      ),
      ...one.args.flatMap((taken, i) => {
        const place = at(taken.many ? 'any' : i);
        if (taken.choices)
          return [`complete ${place} -a ${quoted(taken.choices.join(' '))}${text(taken.about)}`];
        return taken.isPath ? [`complete ${place} -F`] : [];
      }),
    ];
  });
  const groups = [...wordsOf(commands)].flatMap(([first, words]) =>
    [...words].map((word) => {
      const about = commands[first === '' ? word : `${first} ${word}`]?.about ?? '';
      return `complete -c diptych -n ${quoted(`__diptych_after ${first}`.trim())} -a ${word}${text(about)}`;
    }),
  );
  return `# fish completion of diptych: diptych completion fish | source
set -g __diptych_names ${Object.keys(commands).map(quoted).join(' ')}
# Whether the words so far are these.
function __diptych_after
    set -l words (commandline -opc)
    test "$words[2..]" = "$argv"
end
# Whether the command is this one, and the cursor at this argument of it; behind them its options with a value.
function __diptych_at
    set -l words (commandline -opc)
    set -l taken 2
    set -l name "$words[2..3]"
    if test (count $words) -ge 3; and contains -- $name $__diptych_names
        set taken 3
    else
        set name "$words[2]"
    end
    test $name = $argv[1]; or return 1
    test $argv[2] = any; and return 0
    set -l place 0
    set -l i (math $taken + 1)
    while test $i -le (count $words)
        if string match -q -- '-*' $words[$i]
            contains -- $words[$i] $argv[3..]; and set i (math $i + 1)
        else
            set place (math $place + 1)
        end
        set i (math $i + 1)
    end
    test $place = $argv[2]
end
complete -c diptych -f
${[...groups, ...lines].join('\n')}`;
}

import type { Command, Option } from './tables.ts'

/** Names of ours have no character that a shell takes for its own. */
export function bashOf(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  return `# bash completion of kleym; source it, or put it into ~/.local/share/bash-completion/completions/kleym
_kleym() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words=
  COMPREPLY=()
  # bash takes --flag=value for three words.
  if [[ $word == '=' ]]; then
    word=
  elif [[ $before == '=' ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${names}' -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]} $before" in
${commands.flatMap(({ name, options }) => options.flatMap((option) => valueCase(name, option))).join('')}  esac
  case "\${COMP_WORDS[1]}" in
${commands.map(wordCase).join('')}  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _kleym kleym
`
}

function valueCase(command: string, { name, short, value }: Option): readonly string[] {
  if (!value) return []
  const spellings = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]
  const pattern = spellings.map((spelling) => `'${command} ${spelling}'`).join(' | ')
  switch (value.kind) {
    case 'words':
      return [`    ${pattern}) COMPREPLY=($(compgen -W '${value.words.join(' ')}' -- "$word")); return ;;\n`]
    case 'path':
      return [
        `    ${pattern}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;\n`,
      ]
    case 'any':
      return [`    ${pattern}) return ;;\n`]
  }
}

const wordCase = ({ name, words, options }: Command): string => {
  const all = [...words, ...options.map((option) => `--${option.name}`)]
  return `    ${name}) words='${all.join(' ')}' ;;\n`
}

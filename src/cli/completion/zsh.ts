import type { Command, Option } from './tables.ts'

export const zshOf = (commands: readonly Command[]): string => `#compdef kleym
# zsh completion of kleym; source it after compinit, or put it as _kleym into a folder of $fpath
_kleym() {
  local -a commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}\n`).join('')}  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${commands.map(commandCase).join('')}  esac
}
if [[ $funcstack[1] == _kleym ]]; then
  _kleym "$@"
else
  compdef _kleym kleym
fi
`

const commandCase = ({ name, words, options }: Command): string => `    ${name})
      _arguments ${[...(words.length > 0 ? [quoted(`1:word:(${words.join(' ')})`)] : []), ...options.flatMap(specs)].join(' \\\n        ')}
      ;;
`

/** `*`, since it may be repeated as far as a shell knows; the value after a blank or an equals sign. */
function specs({ name, short, help, value }: Option): readonly string[] {
  const text = `[${help.replaceAll(/[[\]:\\]/g, '\\$&')}]`
  const after = value ? `:value:${action(value)}` : ''
  return [
    quoted(`*--${name}${value ? '=' : ''}${text}${after}`),
    ...(short === undefined ? [] : [quoted(`*-${short}${text}${after}`)]),
  ]
}

function action(value: NonNullable<Option['value']>): string {
  switch (value.kind) {
    case 'words':
      return `(${value.words.join(' ')})`
    case 'path':
      return '_files'
    case 'any':
      return ' '
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

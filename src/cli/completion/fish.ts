import type { Command, Option } from './tables.ts'

export const fishOf = (commands: readonly Command[]): string =>
  [
    '# fish completion of kleym; put it into ~/.config/fish/completions/kleym.fish',
    'complete -c kleym -f',
    ...commands.flatMap(commandLines),
    '',
  ].join('\n')

function commandLines({ name, summary, words, options }: Command): readonly string[] {
  const here = `complete -c kleym -n '__fish_seen_subcommand_from ${name}'`
  return [
    `complete -c kleym -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ...words.map((word) => `${here} -a ${word}`),
    ...options.map((option) => `${here} ${optionWords(option)}`),
  ]
}

function optionWords({ name, short, help, value }: Option): string {
  const spelling = `${short === undefined ? '' : `-s ${short} `}-l ${name} -d ${quoted(help)}`
  switch (value?.kind) {
    case undefined:
      return spelling
    case 'words':
      return `${spelling} -x -a '${value.words.join(' ')}'`
    case 'path':
      return `${spelling} -r -F`
    case 'any':
      return `${spelling} -x`
  }
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

import { show } from '../../core/show.ts'
import { exitCodes, usage, type CommandResult } from '../../result.ts'
import { bashOf } from './bash.ts'
import { fishOf } from './fish.ts'
import { commandsOf, shells, type Command, type Shell } from './tables.ts'
import { zshOf } from './zsh.ts'

const help = `Prints what a shell needs to complete the command lines of kleym.

Usage: kleym completion ${shells.join('|')}

  bash   source <(kleym completion bash)
  zsh    source <(kleym completion zsh)
  fish   kleym completion fish | source
`

const scripts: { readonly [shell in Shell]: (of: readonly Command[]) => string } = {
  bash: bashOf,
  zsh: zshOf,
  fish: fishOf,
}

export function completion(argv: readonly string[]): CommandResult {
  const [word, ...rest] = argv
  if (argv.some((one) => ['-h', '-help', '--help'].includes(one)))
    return { code: exitCodes.fine, stdout: help, stderr: '' }
  const shell = shells.find((known) => known === word)
  if (!shell || rest.length > 0) {
    const remedy = `write one of ${shells.join(', ')}`
    const what = word === undefined ? 'no shell is named' : `${show(argv.join(' '))} is no shell`
    return usage([`${what}; ${remedy}`])
  }
  return { code: exitCodes.fine, stdout: scripts[shell](commandsOf()), stderr: '' }
}

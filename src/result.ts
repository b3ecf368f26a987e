/** The exit codes of commands. Only src/main.ts ends the process. */
export const exitCodes = {
  fine: 0,
  /** Something was found wrong or denied. */
  findings: 2,
  notFound: 3,
  /** Wrong usage, an unreadable file, no connection or a missing permission. */
  usage: 4,
  /** The output could not be written. */
  output: 5,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Text for standard output and standard error, with their line ends. */
export type CommandResult = { readonly code: ExitCode; readonly stdout: string; readonly stderr: string }

export const usage = (problems: readonly string[]): CommandResult => ({
  code: exitCodes.usage,
  stdout: '',
  stderr: problems.map((problem) => `kleym: ${problem}\n`).join(''),
})

import type { CommandResult } from './result.ts'

export type Watching = {
  /** One look. */
  readonly look: () => Promise<CommandResult>
  readonly print: (text: string) => Promise<boolean>
  /** Resolves after the time between two looks; rejects never. False once there is to be no other look. */
  readonly wait: () => Promise<boolean>
  /** Whether what was printed before is to be taken away: on a terminal. */
  readonly replaces: boolean
}

/** From the corner of the screen on, with nothing left of what was there. */
const cleared = '\u001b[H\u001b[2J'

/** Looks again and again, and prints what has changed. Ends, as the last look did, when it is told to or nobody reads it. */
export async function watching({ look, print, wait, replaces }: Watching): Promise<CommandResult> {
  let before: string | undefined
  for (;;) {
    const result = await look()
    const text = result.stdout + result.stderr
    if (replaces || before === undefined || essenceOf(text) !== essenceOf(before)) {
      const apart = before === undefined ? '' : '\n'
      if (!(await print(`${replaces ? cleared : apart}${text}`))) return { ...result, stdout: '', stderr: '' }
      before = text
    }
    if (!(await wait())) return { ...result, stdout: '', stderr: '' }
  }
}

/** What is left without the time that passes, which by itself is no news. */
const essenceOf = (text: string): string =>
  text.replaceAll(/\b\d+ (?:s|min|h|d)\b|"?(?:generatedAt|heartbeat|seconds)"?: .*/g, '')

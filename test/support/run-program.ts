import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** `code` is 1 also for a program that a signal ended. */
export type ProgramResult = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** Runs a program to its end. It inherits nothing but PATH. */
export async function runProgram(
  program: string,
  args: readonly string[],
  {
    input = '',
    env,
    cwd,
  }: {
    readonly input?: string
    readonly env: Readonly<Record<string, string>>
    readonly cwd?: string
  },
): Promise<ProgramResult> {
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'], ...env },
    cwd,
    stdio: 'pipe',
  })
  // A program that fails early does not read its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { code: typeof code === 'number' ? code : 1, stdout, stderr }
}

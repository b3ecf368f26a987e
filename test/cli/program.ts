import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

const main = new URL('../../src/main.ts', import.meta.url).pathname

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** The program as a user runs it. `reads` is whether anybody reads what it prints. */
export async function kleym(
  argv: readonly string[],
  {
    stdin = '',
    env = {},
    reads = true,
  }: { readonly stdin?: string; readonly env?: NodeJS.ProcessEnv; readonly reads?: boolean } = {},
): Promise<Ended> {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [main, ...argv], { env: { PATH, HOME, ...env } })
  const ended = Promise.withResolvers<number | null>()
  child.once('error', ended.reject).once('close', ended.resolve)
  // A program that ends before it has read everything is no failure of the test.
  child.stdin.on('error', () => undefined).end(stdin)
  if (!reads) child.stdout.destroy()
  const [stdout, stderr, code] = await Promise.all([
    reads ? text(child.stdout) : '',
    text(child.stderr),
    ended.promise,
  ])
  return { code, stdout, stderr }
}

/** `kleym status -w`, and what it has printed so far. It is ended with the scope. */
export function watchStatus(argv: readonly string[], env: NodeJS.ProcessEnv = {}): WatchedStatus {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [main, 'status', '-w', ...argv], { env: { PATH, HOME, ...env } })
  const closed = Promise.withResolvers<NodeJS.Signals | null>()
  child.once('error', closed.reject).once('close', (_code, signal) => closed.resolve(signal))
  let printed = ''
  let warned = ''
  child.stdout.on('data', (chunk: Buffer) => void (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => void (warned += chunk.toString()))
  const end = async (signal: NodeJS.Signals): Promise<NodeJS.Signals | null> => {
    child.kill(signal)
    return closed.promise
  }
  return {
    printed: () => printed,
    warned: () => warned,
    end,
    async [Symbol.asyncDispose]() {
      await end('SIGTERM')
    },
  }
}

export type WatchedStatus = AsyncDisposable & {
  readonly printed: () => string
  /** On standard error. */
  readonly warned: () => string
  /** Resolves to the signal by which the process ended, if it was one. */
  readonly end: (signal: NodeJS.Signals) => Promise<NodeJS.Signals | null>
}

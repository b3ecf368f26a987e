import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** What a program prints. One that fails throws, with what it says. */
export async function run(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { cwd, maxBuffer: 64 << 20 })
  return stdout
}

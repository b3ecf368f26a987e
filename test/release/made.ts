import { resolve } from 'node:path'
import { runProgram } from '../support/run-program.ts'

const program = resolve(import.meta.dirname, '../../release/main.ts')

/**
 * Makes the files of a release in this folder, with the tools that the tests have.
 *
 * @param published the URL that the files will be published under, if not the usual one
 */
export async function releaseInto(directory: string, ...published: readonly string[]): Promise<void> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  const { code, stderr } = await runProgram(process.execPath, [program, directory, ...published], { env })
  if (code !== 0) throw new Error(stderr)
}

import { resolve } from 'node:path'
import { runProgram } from '../support/run-program.ts'

const program = resolve(import.meta.dirname, '../../release/main.ts')

/** Makes the files of a release in this folder, with the tools that the tests have, from wherever they are. */
export async function releaseInto(directory: string): Promise<void> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  const { code, stderr } = await runProgram(process.execPath, [program, directory], { env })
  if (code !== 0) throw new Error(stderr)
}

import { chmod, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A directory for one test, which is removed after it. */
export async function scratchDirectory(): Promise<string> {
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'controlplane-test-')))
  onTestFinished(() => rm(scratch, { recursive: true, force: true }))
  return scratch
}

/** Writes an executable shell script. */
export async function script(path: string, body: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${body}\n`)
  await chmod(path, 0o755)
}

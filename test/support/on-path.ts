import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe } from 'vitest'

const isCi = !['', '0', 'false'].includes(process.env['CI'] ?? '')

/** The path of a program that is on PATH under one of these names. */
export function onPath(...names: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * A suite that needs programs of the machine. Without them its tests are reported as skipped, with the remedy; a run that checks
 * a change fails.
 */
export function describeWith(
  name: string,
  { are, remedy }: { readonly are: boolean; readonly remedy: string },
  fn: () => void,
): void {
  if (!are && isCi) throw new Error(`${name} ${remedy}`)
  describe.skipIf(!are)(are ? name : `${name} (skipped: ${remedy})`, () => {
    fn()
  })
}

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe } from 'vitest'

const isCi = !['', '0', 'false'].includes(process.env['CI'] ?? '')
const programs = ['promtool', 'prometheus'] as const

/** The path of each program of Debian's package, or undefined where one is missing. */
function located(): Readonly<Record<(typeof programs)[number], string>> | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter)
  const [promtool, prometheus] = programs.map((program) =>
    directories.map((directory) => join(directory, program)).find(isExecutable),
  )
  return promtool === undefined || prometheus === undefined ? undefined : { promtool, prometheus }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A suite that needs the real Prometheus. Without it its tests are reported as skipped; a run that checks a change fails. */
export function describePrometheus(name: string, fn: () => void): void {
  const remedy = located() === undefined ? 'needs promtool and prometheus on PATH' : undefined
  if (remedy !== undefined && isCi) throw new Error(`${name} ${remedy}`)
  describe.skipIf(remedy !== undefined)(
    `${name}${remedy === undefined ? '' : ` (skipped: ${remedy})`}`,
    () => {
      fn()
    },
  )
}

/** Only inside `describePrometheus`. */
export function prometheusPrograms(): Readonly<Record<(typeof programs)[number], string>> {
  const found = located()
  if (!found) throw new Error('there is no promtool')
  return found
}

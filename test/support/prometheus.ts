import { describeWith, onPath } from './on-path.ts'

/** The path of each program of Debian's package, or undefined where one is missing. */
function located(): { readonly promtool: string; readonly prometheus: string } | undefined {
  const [promtool, prometheus] = [onPath('promtool'), onPath('prometheus')]
  return promtool === undefined || prometheus === undefined ? undefined : { promtool, prometheus }
}

/** A suite that needs the real Prometheus. */
export const describePrometheus = (name: string, fn: () => void): void =>
  describeWith(name, { are: located() !== undefined, remedy: 'needs promtool and prometheus on PATH' }, fn)

/** Only inside `describePrometheus`. */
export function prometheusPrograms(): { readonly promtool: string; readonly prometheus: string } {
  const found = located()
  if (!found) throw new Error('there is no promtool')
  return found
}

import type { HeapUse } from './heap.ts'
import type { Violation } from './history.ts'

export type Judged = Readonly<Record<'written' | 'withdrawn' | 'failures' | 'retries', number>>

export type HeapSample = HeapUse & { readonly replica: string; readonly minutes: number }

export type Report = {
  readonly seed: number
  readonly minutes: number
  readonly rounds: number
  /** How often each kind was made, refused, or found nothing. */
  readonly edits: ReadonlyMap<string, number>
  readonly faults: ReadonlyMap<string, number>
  /** What the operator did that the judge had an opinion on. */
  readonly judged: Judged
  readonly slowest: { readonly saidMs: number; readonly quietMs: number }
  readonly heap: readonly HeapSample[]
  /** Lines of the operator's log that it never writes while all is well. */
  readonly accidents: readonly string[]
  readonly violations: readonly Violation[]
  /** What each process of a replica wrote. */
  readonly logs: readonly { readonly replica: string; readonly text: string }[]
}

const mebibyte = 2 ** 20
/** What a process needs until all that it uses has been used once. */
const warmMinutes = 10

export function describeReport(report: Report): string {
  const { seed, minutes, rounds, edits, faults, judged, slowest, violations, accidents } = report
  return [
    `seed ${seed}, ${minutes.toFixed(1)} minutes, ${rounds} rounds`,
    ...section(`${sum(edits)} edits`, counts(edits)),
    ...section(`${sum(faults)} faults`, counts(faults)),
    `judged: ${judged.written} ClusterSPIFFEIDs written, ${judged.withdrawn} withdrawn, ${judged.failures} failures and ${judged.retries} retries said`,
    `slowest to be said: ${seconds(slowest.saidMs)}; slowest to be quiet: ${seconds(slowest.quietMs)}`,
    ...section('heap after a collection', heapTable(report.heap)),
    ...section(`${accidents.length} accidents in the logs`, accidents),
    ...section(`${violations.length} violations`, violations.map(describeViolation)),
    '',
  ].join('\n')
}

export function describeViolation({ rule, at, about, what, history }: Violation): string {
  return [`${seconds(at)} ${rule}: ${about}: ${what}`, ...history.map((line) => `    ${line}`)].join('\n')
}

/** By how many percent of its first warm sample the heap of a process, or a part of it, grew until its last. */
export function growthOf(
  samples: readonly HeapSample[],
  bytes: (use: HeapUse) => number = ({ all }) => all,
): number | undefined {
  const begin = samples[0]?.minutes ?? 0
  const warm = samples.filter(({ minutes }) => minutes - begin >= warmMinutes)
  const [first, last] = [warm.slice(0, 3), warm.slice(-3)].map((some) => middle(some.map(bytes)))
  return warm.length < 6 || first === undefined || last === undefined ? undefined : (last / first - 1) * 100
}

const middle = (values: readonly number[]): number | undefined =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

function heapTable(samples: readonly HeapSample[]): readonly string[] {
  return [...Map.groupBy(samples, ({ replica }) => replica)]
    .filter(([, of]) => of.length > 1)
    .map(([replica, of]) => {
      const [all, data, code] = parts.map((bytes) => percent(growthOf(of, bytes)))
      const growth = all === undefined ? '' : `: ${all}; data ${data}, code ${code}`
      const values = of.map((use) => `${use.minutes.toFixed(0)}′ ${inMiB(use.all)} (${inMiB(use.code)})`)
      return `${replica}, MiB (of that code): ${values.join(', ')}${growth}`
    })
}

const parts: readonly ((use: HeapUse) => number)[] = [
  ({ all }) => all,
  ({ all, code }) => all - code,
  ({ code }) => code,
]

const inMiB = (bytes: number): string => (bytes / mebibyte).toFixed(1)

const percent = (growth: number | undefined): string | undefined =>
  growth === undefined ? undefined : `${growth >= 0 ? '+' : ''}${growth.toFixed(1)} %`

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const sum = (counted: ReadonlyMap<string, number>): number => counted.values().reduce((a, b) => a + b, 0)

const counts = (counted: ReadonlyMap<string, number>): readonly string[] =>
  [...counted].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `${count} ${name}`)

const section = (title: string, lines: readonly string[]): readonly string[] => [
  title,
  ...lines.map((line) => `  ${line}`),
]

import { median, type Samples } from './statistics.ts'

/** One measurement. Samples of the same index, here and in the floor, were taken one right after the other. */
export type Figure = {
  readonly name: string
  readonly unit: string
  readonly samples: Samples
  readonly floor?: { readonly name: string; readonly samples: Samples }
  readonly wanted?: { readonly of: 'ratio' | 'value' } & (
    | { readonly atLeast: number }
    | { readonly atMost: number }
  )
}

export type Report = {
  readonly figure: (figure: Figure) => void
  /** Prints a line that explains the figures. */
  readonly note: (line: string) => void
}

/** Prints each figure as soon as it is there; `end` prints all of them again, one JSON line each. */
export function createReport(write: (line: string) => void): Report & { readonly end: () => void } {
  const lines: string[] = []
  return {
    figure: (figure) => {
      write(inWords(figure))
      lines.push(JSON.stringify(inFields(figure)))
    },
    note: (line) => write(`    ${line}`),
    end: () => {
      for (const line of lines) write(line)
    },
  }
}

const ratiosOf = ({ samples, floor }: Figure): Samples =>
  samples.map((sample, index) => sample / (floor?.samples[index] ?? Number.NaN))

function inWords(figure: Figure): string {
  const { name, unit, samples, floor, wanted } = figure
  const parts = [`${name}: ${spread(samples)} ${unit}`]
  if (floor)
    parts.push(`${floor.name}: ${spread(floor.samples)} ${unit}`, `ratio ${spread(ratiosOf(figure))}`)
  if (wanted) parts.push(`wanted ${limitOf(wanted)}: ${isMet(figure) ? 'yes' : 'NO'}`)
  return parts.join(' | ')
}

function inFields(figure: Figure): object {
  const { floor, wanted, ...rest } = figure
  return {
    ...rest,
    ...summary(figure.samples),
    ...(floor && { floor: { ...floor, ...summary(floor.samples) }, ratio: summary(ratiosOf(figure)) }),
    ...(wanted && { wanted, met: isMet(figure) }),
  }
}

function isMet(figure: Figure): boolean {
  const { wanted } = figure
  if (!wanted) return true
  const value = median(wanted.of === 'ratio' ? ratiosOf(figure) : figure.samples)
  return 'atLeast' in wanted ? value >= wanted.atLeast : value <= wanted.atMost
}

const limitOf = (wanted: NonNullable<Figure['wanted']>): string =>
  `${wanted.of} ${'atLeast' in wanted ? `≥ ${wanted.atLeast}` : `≤ ${wanted.atMost}`}`

const summary = (samples: Samples) => ({
  median: median(samples),
  min: Math.min(...samples),
  max: Math.max(...samples),
})

function spread(samples: Samples): string {
  const { median: middle, min, max } = summary(samples)
  return samples.length === 1 ? short(middle) : `${short(middle)} (${short(min)} … ${short(max)})`
}

const short = (value: number): string =>
  value.toLocaleString('en', { maximumSignificantDigits: value >= 1000 ? 5 : 3 })

import { printable } from '../core/show.ts'
import type { Format } from './formats.ts'
import { printed } from './print.ts'

/** How a report is printed. */
export type Style = {
  readonly format: Format
  /** The width at which lines are broken, in characters; undefined if the output is not a terminal. */
  readonly width?: number | undefined
  /** Whether the terminal shows colours. */
  readonly colored?: boolean | undefined
}

/** Prints a report in the requested form. The first line is the verdict, which is red for an error. */
export function laidOut(
  report: unknown,
  lines: readonly string[],
  { format, width, colored }: Style,
  isError: boolean,
): string {
  if (format !== 'text') return printed(report, format)
  const shown = lines.map((line) => broken(safeLine(line), width))
  return shown
    .map((line, index) => (colored && index === 0 ? painted(line, isError) : line))
    .map((line) => `${line}\n`)
    .join('')
}

const painted = (line: string, isError: boolean): string => `\u001b[${isError ? 31 : 32}m${line}\u001b[39m`

/** A line that is safe for a terminal, with its indentation. */
export function safeLine(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? ''
  return indent + printable(line.slice(indent.length))
}

/** Breaks a line at blanks and indents the rest by two more. A word that is too long stays whole. */
function broken(line: string, width: number | undefined): string {
  if (width === undefined || line.length <= width) return line
  const indent = /^ */.exec(line)?.[0] ?? ''
  const rows: string[] = []
  let row = ''
  for (const word of line.slice(indent.length).split(/(?<=\S) (?=\S)/)) {
    const start = rows.length === 0 ? indent : `${indent}  `
    const longer = row === '' ? start + word : `${row} ${word}`
    if (row !== '' && longer.length > width) {
      rows.push(row)
      row = `${indent}  ${word}`
    } else row = longer
  }
  return [...rows, row].join('\n')
}

/** A heading and its lines; empty if there are no lines. */
export const block = (heading: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ['', heading, ...lines.map((line) => `  ${line}`)]

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** A duration in its largest unit: `45 s`, `12 min`, `3 h`, `5 d`. */
export function spanOf(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`
  return seconds < 2 * 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`
}

/** How long ago an instant is, in ms; undefined if it is no instant. */
export function sinceOf(instant: unknown, now: Date): number | undefined {
  const at = typeof instant === 'string' ? Date.parse(instant) : Number.NaN
  return Number.isNaN(at) ? undefined : now.getTime() - at
}

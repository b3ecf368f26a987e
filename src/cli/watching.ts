import { stripVTControlCharacters } from 'node:util'
import { exitCodes, type CommandResult } from '../result.ts'

export type Size = { readonly rows: number; readonly columns: number }

export type Watching = {
  /** One look. */
  readonly look: () => Promise<CommandResult>
  /** False if nobody reads what is printed. */
  readonly print: (text: string) => Promise<boolean>
  /** Prints to standard error. */
  readonly warn: (text: string) => Promise<boolean>
  /** Resolves when it is time for another look; false if there is to be none. */
  readonly wait: () => Promise<boolean>
  /** The size of the terminal, on which each look replaces the former one; undefined if the output is no terminal. */
  readonly size: () => Size | undefined
  /** Whether to print only lines that changed. Otherwise each changed report is printed whole, for programs. */
  readonly inLines: boolean
  readonly now: () => Date
}

/**
 * Looks again and again, and prints what has changed, until nobody reads it. If the first look fails, so does the
 * command. A later failure is told once, and the last report stays.
 */
export async function watching(watch: Watching): Promise<CommandResult> {
  const { look, print, warn, wait, size, now } = watch
  let last = { report: '', at: now() }
  let isLost = false
  for (;;) {
    const { code, stdout, stderr } = await look()
    const isFailed = code === exitCodes.usage
    if (isFailed && last.report === '') return { code, stdout, stderr }
    const screen = size()
    const text = screen
      ? frameOf(isFailed ? `${stderr}${ageOf(last.at)}\n${last.report}` : stdout, screen, last.report === '')
      : isFailed
        ? ''
        : newsOf(last.report, stdout, watch)
    if (!screen && isFailed && !isLost) await warn(`${stderr}kleym: goes on trying\n`)
    if (!screen && !isFailed && isLost) await warn('kleym: the API server answers again\n')
    if (text !== '' && !(await print(text))) return { code: exitCodes.output, stdout: '', stderr: '' }
    if (!isFailed) last = { report: stdout, at: now() }
    isLost = isFailed
    if (!(await wait())) return { code, stdout: '', stderr: '' }
  }
}

const ageOf = (at: Date): string => `kleym: goes on trying; what follows is from ${timeOf(at)}\n`

/** RFC 3339, in seconds. */
const timeOf = (at: Date): string => at.toISOString().replace(/\.\d+/, '')

const home = '\u001b[H'
const clearScreen = '\u001b[2J'
const clearRestOfLine = '\u001b[K'
const clearBelow = '\u001b[J'

/**
 * A report as the whole content of a terminal. It is written over the former one, which would flicker if it were cleared
 * first, and cut where the terminal ends, because the first lines say the most.
 */
function frameOf(report: string, { rows, columns }: Size, isFirst: boolean): string {
  const lines = report.trimEnd().split('\n')
  const heights = lines.map((line) => Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns)))
  // The cursor stands in a line below the last one.
  const whole = fitting(heights, rows - 1)
  const count = whole === lines.length ? whole : Math.max(1, fitting(heights, rows - 2))
  const left = lines.length - count
  const shown = [
    ...lines.slice(0, count),
    ...(left > 0 ? [`… ${left} more ${left === 1 ? 'line' : 'lines'}; kleym status prints all of them`] : []),
  ]
  return `${isFirst ? clearScreen : ''}${home}${shown.map((line) => `${line}${isFull(line, columns) ? '' : clearRestOfLine}\n`).join('')}${clearBelow}`
}

/** How many of the first lines have room. */
function fitting(heights: readonly number[], rows: number): number {
  let used = 0
  const end = heights.findIndex((height) => (used += height) > rows)
  return end === -1 ? heights.length : end
}

/** After a full line the cursor still stands on its last character, which clearing the rest of the line would take. */
function isFull(line: string, columns: number): boolean {
  const { length } = stripVTControlCharacters(line)
  return length > 0 && length % columns === 0
}

/** The lines to print when one report follows another: none if only time has passed. */
function newsOf(before: string, report: string, { inLines, now }: Watching): string {
  if (before === '') return report
  if (essenceOf(before) === essenceOf(report)) return ''
  if (!inLines) return `\n${report}`
  const [former, latter] = [before, report].map((text) => text.split('\n').filter((line) => line !== ''))
  const lines = [
    ...linesWithout(former ?? [], latter ?? []).map((line) => `- ${line}`),
    ...linesWithout(latter ?? [], former ?? []).map((line) => `+ ${line}`),
  ]
  return lines.length === 0 ? '' : [`\n${timeOf(now())}`, ...lines, ''].join('\n')
}

function linesWithout(lines: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others.map(essenceOf))
  return lines.filter((line) => !known.has(essenceOf(line)))
}

/** A text without the time that passes and the width of columns, which by themselves are no news. */
const essenceOf = (text: string): string =>
  text
    .replaceAll(/\b\d+ (?:s|min|h|d)\b|"?(?:generatedAt|heartbeat|seconds)"?: .*/g, '')
    .replaceAll(/ {2,}/g, '  ')

import { printable } from '../core/show.ts'

/**
 * How many characters the warnings of an answer have together. Past 4,096 the API server cuts each of them to 256 (apiserver,
 * endpoints/filters/warning.go).
 */
const inAll = 4096
/** How many characters one warning has, so that it does not take the room of all others. */
const perWarning = 2048
/** What is kept free for the last line, which counts the warnings that found no room. */
const lastLineRoom = 256

const ellipsis = '…'

/**
 * The warnings, one line each and each once, and a last line if there is no room for all. The API server sends each warning on
 * as an HTTP header, and silently drops one with a control character (apimachinery, util/net NewWarningHeader).
 */
export function printableWarnings(warnings: readonly string[]): readonly string[] {
  const lines = new Set<string>()
  let room = inAll - lastLineRoom
  for (const [index, warning] of warnings.entries()) {
    const line = cut(printable(warning.slice(0, 2 * perWarning)))
    if (line === '' || lines.has(line)) continue
    room -= lengthOf(line)
    if (room < 0) return [...lines, `${ellipsis} ${warnings.length - index} more, not shown for lack of room`]
    lines.add(line)
  }
  return [...lines]
}

/** Never inside a character. */
function cut(text: string): string {
  const characters = Array.from(text)
  return characters.length <= perWarning ? text : characters.slice(0, perWarning - 1).join('') + ellipsis
}

const lengthOf = (text: string): number => Array.from(text).length

/** An answer with what every answer warns of, whatever it is about. */
export const withNotices = <T extends { readonly warnings: readonly string[] }>(
  answer: T,
  notices: readonly string[],
): T => ({ ...answer, warnings: [...answer.warnings, ...notices] })

import { printable } from '../core/show.ts'

/**
 * The API server sends warnings on as HTTP headers and drops, without a word, one that holds a control character
 * (apimachinery, util/net NewWarningHeader). Past 4,096 characters in a request it cuts every one of them to 256
 * (apiserver, endpoints/filters/warning.go), so that is where we end.
 */
const inAll = 4096
const perWarning = 2048
const lastWords = 256

const ellipsis = '…'

/** One line a warning, each once, and a last one that says so where there was no room for all. */
export function printableWarnings(warnings: readonly string[]): readonly string[] {
  const lines = new Set<string>()
  let room = inAll - lastWords
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

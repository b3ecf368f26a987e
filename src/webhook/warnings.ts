/**
 * The API server sends warnings on as HTTP headers and drops, without a word, one that holds a control character
 * (apimachinery, util/net NewWarningHeader). Past 4,096 characters in a request it cuts each to 256
 * (apiserver, endpoints/filters/warning.go).
 */
const perWarning = 256
const inAll = 4096

const ellipsis = '…'

/** Warnings in pieces that arrive whole, each once, and a last one that says so where they had to be cut. */
export function printableWarnings(warnings: readonly string[]): readonly string[] {
  const lines = new Set<string>()
  let room = inAll - perWarning
  for (const [index, warning] of warnings.entries()) {
    // The little that could be shown of a huge one is enough to work on.
    for (const piece of pieces(printableText(warning.slice(0, 2 * inAll)))) {
      if (lines.has(piece)) continue
      room -= lengthOf(piece)
      if (room < 0) return [...lines, `${ellipsis} cut here: ${leftOut(warnings.length - index)}`]
      lines.add(piece)
    }
  }
  return [...lines]
}

const leftOut = (count: number): string =>
  count === 1 ? '1 warning is not shown in full' : `${count} warnings are not shown in full`

/** At a space where there is one, never inside a character. */
function pieces(text: string): readonly string[] {
  const found: string[] = []
  let rest = Array.from(text)
  while (rest.length > perWarning) {
    const space = rest.lastIndexOf(' ', perWarning)
    const end = space > perWarning / 2 ? space : perWarning
    found.push(rest.slice(0, end).join('').trimEnd())
    rest = [ellipsis, ' '].concat(rest.slice(end === space ? end + 1 : end))
  }
  return rest.length > 0 ? [...found, rest.join('')] : found
}

// Cc are the control characters. The rest can reorder or break a line on the terminal that shows it.
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** One line that a terminal shows as it is: white space is a space, other control characters are escaped. */
export function printableText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\r\n\t\v\f]+/g, ' ')
    .replaceAll(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .trim()
}

const lengthOf = (text: string): number => Array.from(text).length

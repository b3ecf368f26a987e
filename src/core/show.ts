/** The longest string the CRD lets through, so that its messages and these stay the same. */
const longest = 1024

/**
 * A value of someone's manifest as messages print it, like the API server does: strings quoted. What is
 * neither text, number nor boolean is only hinted at, so that a hostile manifest can't swell a message.
 */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > longest ? `${value.slice(0, longest)}…` : value)
    case 'number':
    case 'boolean':
      return String(value)
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? '[…]' : '{…}'
    case 'undefined':
      return '""'
    case 'bigint':
    case 'symbol':
    case 'function':
      return typeof value
  }
}

// Cc are the control characters. The rest can reorder or break a line on the terminal that shows it.
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** One line that a terminal shows as it is: white space is a space, other control characters are escaped. */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\r\n\t\v\f]+/g, ' ')
    .replaceAll(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .trim()
}

/** Whatever was thrown, in words. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

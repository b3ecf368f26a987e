/** How many names, or lines with one name each, a message has, to keep it readable. The others are counted or left out. */
export const nameAtMost = 10

/** The longest string that the CRD accepts: a value that the webhook gets from an API server is shown whole. */
const longestShown = 1024

/**
 * A value of someone's manifest as messages print it, like the API server does: strings quoted. Objects and lists are
 * only named as such, so that a hostile manifest can't make a message long.
 */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > longestShown ? `${value.slice(0, longestShown)}…` : value)
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

/**
 * A value that should be a name and is no string, in words. A number, true or false was written without quotes. YAML also reads words
 * such as `on` as true, so the quoted value is not shown: it may not be what was written.
 */
export const notAString = (value: unknown): string =>
  typeof value === 'object'
    ? `${show(value)} is not a string`
    : `${show(value)} is not a string: YAML needs quotes around such a name`

// Cc are the control characters. The other characters can reorder or break a line on a terminal.
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/**
 * Makes a text safe to print on one line of a terminal: white space becomes a space, control characters are escaped.
 */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\r\n\t\v\f]+/g, ' ')
    .replaceAll(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .trim()
}

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The deepest nesting that is accepted: far deeper than any Kubernetes object, and safe for recursive code. */
const maxDepth = 256

const quote = '"'.charCodeAt(0)
const backslash = '\\'.charCodeAt(0)
const openBracket = '['.charCodeAt(0)
const closeBracket = ']'.charCodeAt(0)
const openBrace = '{'.charCodeAt(0)
const closeBrace = '}'.charCodeAt(0)

export type Json =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'unreadable'; readonly message: string }

export function readJson(text: string): Json {
  if (text.trim() === '') return unreadable('is empty')
  if (nestsTooDeep(text)) return unreadable(`nests deeper than ${maxDepth} levels`)
  try {
    const value: unknown = mayPoison(text) ? JSON.parse(text, withoutPrototypes) : JSON.parse(text)
    return { kind: 'json', value }
  } catch {
    // The parser's own message quotes from the body.
    return unreadable('is not JSON')
  }
}

const unreadable = (what: string): Json => ({ kind: 'unreadable', message: `the body ${what}` })

/** `__proto__` as it is, or with a character of it escaped (U+005F to U+0074). */
const mayPoison = (text: string): boolean => text.includes('__proto__') || /\\u00[567]/.test(text)

/**
 * JSON.parse makes `__proto__` a key like others, but whoever copies it by assignment gives the copy another
 * prototype. Nothing is lost: it is no label or annotation key that an API server would store.
 */
const withoutPrototypes = (key: string, value: unknown): unknown => (key === '__proto__' ? undefined : value)

/**
 * Whether JSON text nests deeper than is safe. It looks before JSON.parse does, which spends more than a second
 * of the event loop on 7 MiB of `[`. Text that is not JSON gets some answer, and its error from the parser.
 */
function nestsTooDeep(text: string): boolean {
  if (!hasMany(text, '{') && !hasMany(text, '[')) return false
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at)
    if (character === quote) at = endOfString(text, at)
    else if (character === openBrace || character === openBracket) depth += 1
    else if (character === closeBrace || character === closeBracket) depth -= 1
    if (depth > maxDepth) return true
  }
  return false
}

/** Counting is several times faster than the walk, and few bodies have as many of either as half of the depth. */
function hasMany(text: string, bracket: string): boolean {
  let count = 0
  for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
    count += 1
    if (count > maxDepth / 2) return true
  }
  return false
}

/** Jumps from quote to quote, since most of an object is text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes += 1
    if (backslashes % 2 === 0) return end
  }
  return text.length
}

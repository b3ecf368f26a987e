import { LineCounter, parseAllDocuments, type Tags } from 'yaml'

/** One document of a text, and the line where it starts; an Error, at the line where that is, for what is none. */
export type Document = { readonly where: number; readonly value: unknown }

/** Deeper than any Kubernetes object. */
const maxDepth = 256

/** Of aliases, counted as they unfold: more than anyone could have meant. */
const maxAliases = 10_000

/** The documents of a text as kubectl reads them: YAML 1.1 with merge keys, or JSON objects one after the other. */
export const documentsIn = (text: string): readonly Document[] => streamed(text).flatMap(parsed)

/** JSON objects with nothing but white space between them; any other text as it is. */
function streamed(text: string): readonly Part[] {
  const whole = [{ text, line: 0 }]
  if (!/^\s*\{/.test(text)) return whole
  const parts: Part[] = []
  let [start, line, depth] = [0, 0, 0]
  for (const { 0: token, index } of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}]/gs)) {
    if (token.startsWith('"')) continue
    depth += token === '{' ? 1 : -1
    if (depth > 0) continue
    const part = text.slice(start, index + 1)
    if (depth < 0 || !/^\s*\{/.test(part)) return whole
    parts.push({ text: part, line })
    line += part.split('\n').length - 1
    start = index + 1
  }
  return text.slice(start).trim() === '' ? parts : whole
}

/** Text after so many lines of the whole. */
type Part = { readonly text: string; readonly line: number }

function parsed({ text, line }: Part): readonly Document[] {
  const lineCounter = new LineCounter()
  const lineAt = (offset: number): number => line + lineCounter.linePos(offset).line
  const documents = parseAllDocuments(text, {
    lineCounter,
    logLevel: 'silent',
    prettyErrors: false,
    version: '1.1',
    customTags: asInGo,
  })
  return [...documents].map((document) => {
    const [error] = document.errors
    if (!error) return { where: lineAt(document.range[0]), value: valueOf(document) }
    // The parser calls itself for each level.
    const value = error.code === 'RESOURCE_EXHAUSTION' ? tooDeep : new Error(error.message)
    return { where: lineAt(error.pos[0]), value }
  })
}

function valueOf(document: { toJS(options: { maxAliasCount: number }): unknown }): unknown {
  try {
    const value = document.toJS({ maxAliasCount: maxAliases })
    return isWithin(value, maxDepth) ? value : tooDeep
  } catch (error) {
    return error instanceof RangeError ? tooDeep : error
  }
}

const tooDeep = new Error(
  `nests deeper than ${maxDepth} levels, or an alias stands within what it stands for`,
)

/** Ends for an object that holds itself, too. */
const isWithin = (value: unknown, levels: number): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (levels > 0 &&
    (Array.isArray(value) ? value : Object.values(value)).every((inner: unknown) =>
      isWithin(inner, levels - 1),
    ))

/** go-yaml, which kubectl uses, leaves dates, and numbers to the base of 60, the text that they are. */
const asInGo = (tags: Tags): Tags =>
  tags.filter((tag) => typeof tag === 'string' || !(tag.format === 'TIME' || tag.tag.endsWith(':timestamp')))

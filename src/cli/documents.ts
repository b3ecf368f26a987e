import { isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments, type Node } from 'yaml'
import type { Path } from '../schema/path.ts'
import { partsOf, type Part } from './stream.ts'
import { yamlOfGo } from './yaml-of-go.ts'

/** One document of a text and the line where it starts; or an Error and its line. */
export type Document = {
  readonly where: number
  readonly value: unknown
  /** The line of a field or, if it is not written, of the innermost field around it. */
  readonly lineOf: (path: Path) => number
  /** Parts that kubectl reads differently from how they look. */
  readonly oddities: readonly Oddity[]
}

export type Oddity = { readonly line: number; readonly message: string }

/** Deeper than any Kubernetes object. */
const maxDepth = 256

/** How many aliases may be resolved, counted as they unfold, so that nested ones can't fill the memory. */
const maxAliases = 10_000

/** The documents of a text as kubectl reads them: YAML 1.1 with merge keys, or JSON objects one after the other. */
export const documentsIn = (text: string): readonly Document[] => partsOf(text).map(documentOf)

function documentOf({ text, line, problem }: Part): Document {
  if (problem !== undefined) return broken(line, new Error(problem))
  const { document, rest, lineAt } = parsed(text, line)
  if (!document) return { where: line + 1, value: undefined, lineOf: () => line + 1, oddities: [] }
  const [error] = document.errors
  if (error) {
    // The parser is recursive, so the depth is checked first.
    const cause = error.code === 'RESOURCE_EXHAUSTION' ? tooDeep : new Error(error.message)
    return broken(lineAt(error.pos[0]), lineOfText(text, error.pos[0]).includes('{{') ? unrendered : cause)
  }
  const template = text.includes('{{') ? mapAsKey(document.contents) : undefined
  if (template) return broken(lineAt(template.range?.[0] ?? 0), unrendered)
  const where = lineAt(document.contents?.range[0] ?? document.range[0])
  const value = valueOf(document)
  if (value instanceof Error) return broken(where, value)
  return {
    where,
    value,
    lineOf: linesIn(text, line, linesOfItems(document.contents, lineAt)),
    oddities: [
      ...repeatedKeys(document.contents).map(({ key, offset }) => ({
        line: lineAt(offset),
        message: `key ${JSON.stringify(key)} is repeated; the last one counts`,
      })),
      ...(rest && (rest.contents !== null || rest.errors.length > 0)
        ? [{ line: lineAt(document.range[2]), message: 'what follows ... is not read, up to the next ---' }]
        : []),
    ],
  }
}

/**
 * The lines of the fields of a document. To keep the nodes of all documents costs more than to parse again the few that a finding
 * is about. Every item of a List is asked for its line, so these lines are kept from the first time.
 */
function linesIn(text: string, line: number, ofItems: ReadonlyMap<string, number>): Document['lineOf'] {
  let again: ReturnType<typeof parsed> | undefined
  return (path) => {
    const known = ofItems.get(JSON.stringify(path))
    if (known !== undefined) return known
    again ??= parsed(text, line)
    const contents = again.document?.contents ?? null
    return again.lineAt(innermost(contents, path)?.range?.[0] ?? contents?.range[0] ?? 0)
  }
}

/** The lines of the items of a List, and of Lists in it, by their paths as JSON. */
function linesOfItems(
  contents: Node | null,
  lineAt: (offset: number) => number,
): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  collect(contents, [])
  return lines

  function collect(node: unknown, path: Path): void {
    const items = isMap(node) ? node.items.findLast(({ key }) => keyText(key) === 'items')?.value : undefined
    if (!isSeq(items)) return
    for (const [at, item] of items.items.entries()) {
      const inner = [...path, 'items', at]
      lines.set(JSON.stringify(inner), lineAt(innermost(contents, inner)?.range?.[0] ?? 0))
      collect(item, inner)
    }
  }
}

/** Text after the end of a document is ignored, as kubectl ignores it. */
function parsed(text: string, line: number) {
  const lineCounter = new LineCounter()
  const [document, rest] = parseAllDocuments(text, {
    lineCounter,
    logLevel: 'silent',
    prettyErrors: false,
    uniqueKeys: false,
    version: '1.1',
    schema: yamlOfGo,
  })
  return { document, rest, lineAt: (offset: number): number => line + lineCounter.linePos(offset).line }
}

const broken = (where: number, value: Error): Document => ({
  where,
  value,
  lineOf: () => where,
  oddities: [],
})

function valueOf(document: { toJS(options: { maxAliasCount: number }): unknown }): unknown {
  try {
    const value = document.toJS({ maxAliasCount: maxAliases })
    return problemIn(value, maxDepth) ?? value
  } catch (error) {
    return error instanceof RangeError ? tooDeep : error
  }
}

const tooDeep = new Error(
  `nests deeper than ${maxDepth} levels, or an alias stands within what it stands for`,
)

const unrendered = new Error('holds {{ }}, so it is a template; render it first, as by helm template')

/** The line around an offset. */
function lineOfText(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const end = text.indexOf('\n', offset)
  return text.slice(start, end === -1 ? undefined : end)
}

/** What `{{ .Values.name }}` is to YAML: a map whose key is a map. No such key can be JSON, and kubectl refuses it. */
function mapAsKey(node: unknown): Node | undefined {
  const inner = isMap(node) ? node.items : isSeq(node) ? node.items : []
  for (const one of inner) {
    if (isPair(one) && isMap(one.key)) return one.key
    const found = mapAsKey(isPair(one) ? one.value : one)
    if (found) return found
  }
  return undefined
}

const notInJson = new Error('holds .inf or .nan, which JSON does not know')

/** Why a value can't be JSON. The depth limit also ends values that contain themselves. */
function problemIn(value: unknown, levels: number): Error | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : notInJson
  if (typeof value !== 'object' || value === null) return undefined
  if (levels === 0) return tooDeep
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    const problem = problemIn(inner, levels - 1)
    if (problem) return problem
  }
  return undefined
}

/** The node of the innermost written field, or list item, on a path. */
function innermost(contents: Node | null, path: Path): Node | undefined {
  let found: Node | undefined
  let node: unknown = contents
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.findLast(({ key }) => keyText(key) === String(step))
      if (!pair) return found
      found = isScalar(pair.key) ? pair.key : found
      node = pair.value
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(step)]
      found = isMap(item) || isSeq(item) || isScalar(item) ? item : found
      node = item
    } else return found
  }
  return found
}

/** The text of a key; undefined for a merge key, whose value is a symbol. */
const keyText = (key: unknown): string | undefined =>
  isScalar(key) && typeof key.value !== 'symbol' ? String(key.value) : undefined

type Repeated = { readonly key: string; readonly offset: number }

function repeatedKeys(node: unknown): readonly Repeated[] {
  if (isSeq(node)) return node.items.flatMap(repeatedKeys)
  if (!isMap(node)) return []
  const seen = new Set<string>()
  return node.items.flatMap(({ key, value }) => {
    const text = keyText(key)
    const isRepeated = text !== undefined && seen.has(text)
    if (text !== undefined) seen.add(text)
    const own = isRepeated && isScalar(key) ? [{ key: text, offset: key.range?.[0] ?? 0 }] : []
    return [...own, ...repeatedKeys(value)]
  })
}

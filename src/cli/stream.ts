/** What kubectl takes for one document, after so many lines of the whole; a problem where it stops reading. */
export type Part = { readonly text: string; readonly line: number; readonly problem?: string }

/** Takes a text apart as kubectl does: JSON objects one after the other, or YAML between lines that start with `---`. */
export const partsOf = (text: string): readonly Part[] => jsonParts(text) ?? yamlParts(text)

/** JSON objects with nothing but white space between them; undefined for any other text. */
function jsonParts(text: string): readonly Part[] | undefined {
  if (!/^\s*\{/.test(text)) return undefined
  const parts: Part[] = []
  let [start, line, depth] = [0, 0, 0]
  for (const { 0: token, index } of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}]/gs)) {
    if (token.startsWith('"')) continue
    depth += token === '{' ? 1 : -1
    if (depth > 0) continue
    const part = text.slice(start, index + 1)
    if (depth < 0 || !/^\s*\{/.test(part)) return undefined
    parts.push({ text: part, line })
    line += part.split('\n').length - 1
    start = index + 1
  }
  return text.slice(start).trim() === '' ? parts : undefined
}

/** A separator may be followed by a comment, nothing else: kubectl reads no further (apimachinery's YAMLReader). */
function yamlParts(text: string): readonly Part[] {
  const parts: Part[] = []
  let kept: string[] = []
  let first = 0
  for (const [at, line] of text.split('\n').entries()) {
    if (line.startsWith('---')) {
      // With its last line end: a carriage return alone, the rest of a Windows one, is no white space to the parser.
      if (kept.length > 0) parts.push({ text: `${kept.join('\n')}\n`, line: first })
      kept = []
      first = at + 1
      const after = line.slice(3).trim()
      if (after === '' || after.startsWith('#')) continue
      return [...parts, { text: '', line: at + 1, problem: `invalid Yaml document separator: ${after}` }]
    }
    kept.push(line)
  }
  return [...parts, { text: kept.join('\n'), line: first }]
}

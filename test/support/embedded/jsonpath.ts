import { isRecord, listOf } from './json.ts'

type Step = (value: unknown) => unknown

const field =
  (name: string): Step =>
  (value) =>
    isRecord(value) ? value[name] : undefined

const element =
  (index: number): Step =>
  (value) =>
    listOf(value).at(index)

const firstWhere =
  (name: string, wanted: string): Step =>
  (value) =>
    listOf(value).find((item) => field(name)(item) === wanted)

const token =
  /^(?:\.(?<name>(?:\\.|[^.[\\])+)|\['(?<quoted>[^']+)'\]|\[(?<index>-?\d+)\]|\[\?\(@\.(?<key>\w+)\s*==\s*["'](?<wanted>[^"']*)["']\)\])/

/**
 * The JSONPath of printer columns as far as they use it: `.a.b`, `.a['b']`, `.a\.b`, `.list[0]`,
 * `.list[?(@.type=="Ready")].status`. Gives the first match, or undefined.
 */
export const jsonPath = (path: string): Step => {
  const steps: Step[] = []
  for (let rest = path; rest !== '';) {
    const match = token.exec(rest)
    if (match === null) throw new Error(`JSONPath not understood by the embedded API server: ${path}`)
    const { name, quoted, index, key, wanted } = match.groups ?? {}
    if (name !== undefined) steps.push(field(name.replaceAll('\\', '')))
    else if (quoted !== undefined) steps.push(field(quoted))
    else if (index !== undefined) steps.push(element(Number(index)))
    else steps.push(firstWhere(key ?? '', wanted ?? ''))
    rest = rest.slice(match[0].length)
  }
  return (value) => steps.reduce((at, step) => step(at), value)
}

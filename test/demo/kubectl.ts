import { listOf, recordOf, textOf, type Json } from '../support/embedded/json.ts'

/*
 * What kubectl prints, word by word, so that the demo shows what its users will see without having it
 * (k8s.io/kubectl pkg/cmd/util/helpers.go, k8s.io/cli-runtime pkg/printers).
 */

export type Action = 'created' | 'configured' | 'unchanged'

const groupOf = (object: Json): string => {
  const [group = '', version] = textOf(object['apiVersion']).split('/')
  return version === undefined ? '' : `.${group}`
}

export const nameOf = (object: Json): string => textOf(recordOf(object['metadata'])['name'])

export const done = (object: Json, action: Action): string =>
  `${textOf(object['kind']).toLowerCase()}${groupOf(object)}/${nameOf(object)} ${action}`

export const warning = (text: string): string => `Warning: ${text}`

export type Problem = { readonly field: string; readonly message: string }

/** The causes of a metav1.Status. */
export const problemsIn = (status: Json): readonly Problem[] =>
  listOf(recordOf(status['details'])['causes'])
    .map(recordOf)
    .map(({ field, message }) => ({ field: textOf(field), message: textOf(message) }))

/** A metav1.Status that is no success. */
export function failure(status: Json): string {
  if (status['reason'] !== 'Invalid')
    return `Error from server (${textOf(status['reason'])}): ${textOf(status['message'])}`
  const { kind, name } = recordOf(status['details'])
  const what = `The ${textOf(kind)} "${textOf(name)}" is invalid`
  const lines = [...new Set(problemsIn(status).map(({ field, message }) => `${field}: ${message}`))]
  if (lines.length === 0) return what
  if (lines.length === 1) return `${what}: ${lines.join('')}`
  return [`${what}: `, ...lines.map((line) => `* ${line}`)].join('\n')
}

/** Columns as wide as they must be, three spaces apart and none after the last. What is null is empty. */
export function columns(rows: readonly (readonly unknown[])[]): string {
  const texts = rows.map((row) => row.map(cell))
  const widths = (texts[0] ?? []).map((_, at) => Math.max(...texts.map((row) => row[at]?.length ?? 0)) + 3)
  return texts
    .map((row) =>
      row.map((text, at) => (at === row.length - 1 ? text : text.padEnd(widths[at] ?? 0))).join(''),
    )
    .join('\n')
}

const cell = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A meta.k8s.io/v1 Table. */
export const table = (answer: Json): string =>
  columns([
    listOf(answer['columnDefinitions']).map((column) => textOf(recordOf(column)['name']).toUpperCase()),
    ...listOf(answer['rows']).map((row) => listOf(recordOf(row)['cells'])),
  ])

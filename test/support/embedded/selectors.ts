import { isRecord, isTextMap, listOf, textOf, textsOf } from './json.ts'
import { nameOf, namespaceOf, type KubeObject } from './object.ts'
import { badRequest } from './status.ts'

export type Selector = (object: KubeObject) => boolean
type Labels = Readonly<Record<string, string>>

const everything: Selector = () => true

type Term = (labels: Labels) => boolean

const setTerm = /^(?<key>\S+)\s+(?<operator>in|notin)\s*\((?<values>[^)]*)\)$/
const equalityTerm = /^(?<key>[^=!\s]+)\s*(?<operator>==?|!=)\s*(?<value>\S*)$/

const term = (text: string): Term => {
  const set = setTerm.exec(text)?.groups
  if (set !== undefined) {
    const values = new Set((set['values'] ?? '').split(',').map((value) => value.trim()))
    const wanted = set['operator'] === 'in'
    return (labels) => values.has(labels[set['key'] ?? ''] ?? '\0') === wanted
  }
  const equality = equalityTerm.exec(text)?.groups
  if (equality !== undefined) {
    const wanted = equality['operator'] !== '!='
    return (labels) => (labels[equality['key'] ?? ''] === (equality['value'] ?? '')) === wanted
  }
  if (/^![^\s=!]+$/.test(text)) return (labels) => labels[text.slice(1)] === undefined
  if (/^[^\s=!(),]+$/.test(text)) return (labels) => labels[text] !== undefined
  throw badRequest(`unable to parse requirement: ${text}`)
}

/** `a=b,c!=d,e in (f,g),!h`. Commas inside parentheses belong to their term. */
export const labelSelector = (text: string): Selector => {
  if (text.trim() === '') return everything
  const terms = text.split(/,(?![^(]*\))/).map((part) => term(part.trim()))
  return (object) => terms.every((fits) => fits(object.metadata.labels ?? {}))
}

/** Only the two fields that every kind has. */
export const fieldSelector = (text: string): Selector => {
  const terms = text
    .split(',')
    .filter((part) => part !== '')
    .map((part): Selector => {
      const { key, operator, value } =
        /^(?<key>[\w.]+)(?<operator>==?|!=)(?<value>.*)$/.exec(part)?.groups ?? {}
      const wanted = operator !== '!='
      if (key === 'metadata.name') return (object) => (nameOf(object) === value) === wanted
      if (key === 'metadata.namespace') return (object) => (namespaceOf(object) === value) === wanted
      throw badRequest(`field label not supported: ${key ?? part}`)
    })
  return (object) => terms.every((fits) => fits(object))
}

const requirement = (value: unknown): Term => {
  const { key, operator, values } = isRecord(value) ? value : {}
  const name = textOf(key)
  switch (operator) {
    case 'In':
      return (labels) => textsOf(values).includes(labels[name] ?? '\0')
    case 'NotIn':
      return (labels) => !textsOf(values).includes(labels[name] ?? '\0')
    case 'Exists':
      return (labels) => labels[name] !== undefined
    default:
      return (labels) => labels[name] === undefined
  }
}

/** A `metav1.LabelSelector`: empty selects everything. */
export const matchesLabels = (selector: unknown, labels: Labels): boolean => {
  if (!isRecord(selector)) return true
  const wanted = isTextMap(selector['matchLabels']) ? selector['matchLabels'] : {}
  return (
    Object.entries(wanted).every(([key, value]) => labels[key] === value) &&
    listOf(selector['matchExpressions']).every((item) => requirement(item)(labels))
  )
}

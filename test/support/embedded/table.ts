import type { Json } from './json.ts'
import type { Column, Kind } from './kind.ts'
import type { KubeObject } from './object.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const two = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`

/** As apimachinery's duration.HumanDuration: two digits of precision, so `119s`, `5m3s`, `47h`. */
export const humanDuration = (elapsed: number): string => {
  if (elapsed < -2 * second) return '<invalid>'
  const count = (unit: number): number => Math.max(0, Math.floor(elapsed / unit))
  if (elapsed < 2 * minute) return `${count(second)}s`
  if (elapsed < 10 * minute) return two(count(minute), 'm', count(second) % 60, 's')
  if (elapsed < 3 * hour) return `${count(minute)}m`
  if (elapsed < 8 * hour) return two(count(hour), 'h', count(minute) % 60, 'm')
  if (elapsed < 2 * day) return `${count(hour)}h`
  if (elapsed < 8 * day) return two(count(day), 'd', count(hour) % 24, 'h')
  if (elapsed < 2 * 365 * day) return `${count(day)}d`
  return two(Math.floor(count(day) / 365), 'y', count(day) % 365, 'd')
}

const ofType: Readonly<Record<string, (value: unknown, now: number) => unknown>> = {
  integer: (value) => (typeof value === 'number' ? Math.trunc(value) : null),
  number: (value) => (typeof value === 'number' ? value : null),
  boolean: (value) => (typeof value === 'boolean' ? value : null),
  date: (value, now) => {
    if (typeof value !== 'string') return null
    const time = Date.parse(value)
    return Number.isNaN(time) ? '<invalid>' : humanDuration(now - time)
  },
  string: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
}

const cellOf = (column: Column, object: KubeObject, now: number): unknown => {
  const value = column.cell(object)
  return value === undefined || value === null ? null : (ofType[column.type]?.(value, now) ?? null)
}

const nameWords =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically.'

const definitions = (kind: Kind): readonly Json[] => [
  { name: 'Name', type: 'string', format: 'name', description: nameWords, priority: 0 },
  ...kind.columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format,
    description,
    priority,
  })),
]

export type TableOptions = { readonly includeObject: string | null; readonly now: number }

const attachment = (object: KubeObject, includeObject: string | null): Json => {
  if (includeObject === 'None') return { object: null }
  if (includeObject === 'Object') return { object }
  const { metadata } = object
  return { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata } }
}

/** A `meta.k8s.io/v1` Table: what kubectl asks for when it prints in columns. */
export const table = (
  kind: Kind,
  objects: readonly KubeObject[],
  metadata: Json,
  { includeObject, now }: TableOptions,
): Json => ({
  kind: 'Table',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
  columnDefinitions: definitions(kind),
  rows: objects.map((object) => ({
    cells: [object.metadata.name, ...kind.columns.map((column) => cellOf(column, object, now))],
    ...attachment(object, includeObject),
  })),
})

export const wantsTable = (accept: string): boolean => /as=Table/.test(accept)

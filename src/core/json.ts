/** Helpers to read and compare JSON from outside, which is `unknown` until a decoder has checked its shape. */
import { byBytes } from './names.ts'

export type JsonObject = { readonly [field: string]: unknown }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object itself, or an empty one for anything else. */
export const objectOr = (value: unknown): JsonObject => (isObject(value) ? value : {})

export const textOr = (value: unknown, otherwise: string): string =>
  typeof value === 'string' ? value : otherwise

export const numberOr = (value: unknown, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise

/** Own fields only, so that no field name reaches Object.prototype. A null counts as absent. */
export function field(object: JsonObject, name: string): unknown {
  const value = Object.hasOwn(object, name) ? object[name] : undefined
  return value === null ? undefined : value
}

/** One text for equal values, whatever the order of their keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => byBytes(a, b))) : inner,
  )
}

/** Whether two values are the same JSON. Undefined fields count as absent, and the order of keys does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = definedKeys(a)
  return (
    keys.length === definedKeys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  )
}

const definedKeys = (object: JsonObject): readonly string[] =>
  Object.keys(object).filter((key) => object[key] !== undefined)

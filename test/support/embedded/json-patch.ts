import { isDeepStrictEqual } from 'node:util'
import { isRecord, listOf, textOf, type Json } from './json.ts'

type Found = { readonly found: boolean; readonly value?: unknown }

const pointer = (path: string): readonly string[] =>
  path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))

const lookup = (document: unknown, path: readonly string[]): Found => {
  let value = document
  for (const part of path) {
    if (Array.isArray(value) && Number(part) < value.length) value = listOf(value)[Number(part)]
    else if (isRecord(value) && Object.hasOwn(value, part)) value = value[part]
    else return { found: false }
  }
  return { found: true, value }
}

/** A copy with the value at the path replaced by what `change` makes of its parent. */
const edit = (
  document: unknown,
  path: readonly string[],
  change: {
    readonly inList: (list: unknown[], key: string) => void
    readonly inRecord: (r: Json, key: string) => Json
  },
): unknown => {
  const [key = '', ...rest] = path
  if (rest.length > 0) {
    if (!lookup(document, [key]).found) throw new Error(`no value at ${key}`)
    const child = edit(lookup(document, [key]).value, rest, change)
    if (Array.isArray(document)) return listOf(document).with(Number(key), child)
    return isRecord(document) ? { ...document, [key]: child } : document
  }
  if (Array.isArray(document)) {
    const list = [...listOf(document)]
    change.inList(list, key)
    return list
  }
  if (!isRecord(document)) throw new Error(`no value to hold ${key}`)
  return change.inRecord(document, key)
}

const add = (document: unknown, path: readonly string[], value: unknown): unknown =>
  path.length === 0
    ? value
    : edit(document, path, {
        inList: (list, key) => list.splice(key === '-' ? list.length : Number(key), 0, value),
        inRecord: (record, key) => ({ ...record, [key]: value }),
      })

const remove = (document: unknown, path: readonly string[]): unknown => {
  if (!lookup(document, path).found) throw new Error(`nothing to remove at /${path.join('/')}`)
  return edit(document, path, {
    inList: (list, key) => list.splice(Number(key), 1),
    inRecord: (record, key) => Object.fromEntries(Object.entries(record).filter(([name]) => name !== key)),
  })
}

const existing = (document: unknown, path: readonly string[]): unknown => {
  const { found, value } = lookup(document, path)
  if (!found) throw new Error(`no value at /${path.join('/')}`)
  return value
}

// As in the real server, a field that is not there yet may be replaced.
const replace = (document: unknown, path: readonly string[], value: unknown): unknown =>
  edit(document, path, {
    inList: (list, key) => list.splice(Number(key), 1, value),
    inRecord: (record, key) => ({ ...record, [key]: value }),
  })

const operate = (document: unknown, operation: Json): unknown => {
  const path = pointer(textOf(operation['path']))
  const from = pointer(textOf(operation['from']))
  const { value } = operation
  switch (operation['op']) {
    case 'add':
      return add(document, path, value)
    case 'remove':
      return remove(document, path)
    case 'replace':
      return path.length === 0 ? value : replace(document, path, value)
    case 'move':
      return add(remove(document, from), path, existing(document, from))
    case 'copy':
      return add(document, path, existing(document, from))
    case 'test':
      if (!isDeepStrictEqual(existing(document, path), value)) {
        throw new Error(`testing value ${String(operation['path'])} failed`)
      }
      return document
    default:
      throw new Error(`unexpected operation ${String(operation['op'])}`)
  }
}

/** RFC 6902. Throws when an operation does not apply. */
export const jsonPatch = (document: unknown, operations: unknown): unknown =>
  listOf(operations).filter(isRecord).reduce<unknown>(operate, document)

import { isRecord, listOf } from './json.ts'

/** RFC 7386. */
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isRecord(patch)) return patch
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

/** The lists of the built-in kinds that merge by a key; all others are replaced, as in a JSON merge patch. */
const mergeKeys: Readonly<Record<string, string>> = {
  webhooks: 'name',
  matchConditions: 'name',
  ownerReferences: 'uid',
  secrets: 'name',
}

const mergeList = (
  target: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
): readonly unknown[] => {
  const merged = [...target]
  for (const item of patch.filter(isRecord)) {
    const index = merged.findIndex((other) => isRecord(other) && other[mergeKey] === item[mergeKey])
    if (item['$patch'] === 'delete') merged.splice(index, index < 0 ? 0 : 1)
    else if (index < 0) merged.push(item)
    else merged[index] = strategicMergePatch(merged[index], item)
  }
  return merged
}

const inOrder = (
  list: readonly unknown[],
  order: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] => {
  const keyOf = (item: unknown): unknown => (mergeKey !== undefined && isRecord(item) ? item[mergeKey] : item)
  const keys = order.map(keyOf)
  const rank = (item: unknown): number => {
    const index = keys.indexOf(keyOf(item))
    return index < 0 ? keys.length : index
  }
  return list.toSorted((a, b) => rank(a) - rank(b))
}

const mergeField = (current: unknown, value: unknown, key: string): unknown => {
  if (!Array.isArray(value)) return strategicMergePatch(current, value)
  const mergeKey = mergeKeys[key]
  if (mergeKey !== undefined) return mergeList(listOf(current), listOf(value), mergeKey)
  if (key === 'finalizers') return [...new Set([...listOf(current), ...listOf(value)])]
  return listOf(value)
}

/**
 * The strategic merge patches that kubectl makes for the few built-in kinds: a merge patch with lists that merge
 * by key, and the directives that go with them.
 */
export const strategicMergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isRecord(patch)) return patch
  if (patch['$patch'] === 'replace') {
    return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== '$patch'))
  }
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  const plain = Object.entries(patch).filter(([key]) => !key.startsWith('$'))
  for (const [key, value] of plain) {
    if (value === null) delete merged[key]
    else merged[key] = mergeField(merged[key], value, key)
  }
  for (const [directive, value] of Object.entries(patch)) {
    const [name = '', key = ''] = directive.split('/')
    if (name === '$deleteFromPrimitiveList') {
      merged[key] = listOf(merged[key]).filter((item) => !listOf(value).includes(item))
    }
    if (name === '$setElementOrder' && merged[key] !== undefined) {
      merged[key] = inOrder(listOf(merged[key]), listOf(value), mergeKeys[key])
    }
  }
  return merged
}

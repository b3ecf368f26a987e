import { age, builtInKinds } from './builtin-kinds.ts'
import { isRecord, listOf, recordOf, textOf, textsOf } from './json.ts'
import { jsonPath } from './jsonpath.ts'
import { crdResource, type Column, type Kind } from './kind.ts'
import type { KubeObject } from './object.ts'
import type { Store } from './store.ts'

export type Kinds = {
  readonly find: (group: string, version: string, plural: string) => Kind | undefined
  readonly all: () => readonly Kind[]
}

const printerColumn = (value: unknown): Column => {
  const given = recordOf(value)
  const path = textOf(given['jsonPath'])
  return {
    name: textOf(given['name']),
    type: textOf(given['type']),
    format: textOf(given['format']),
    description:
      textOf(given['description']) || `Custom resource definition column (in JSONPath format): ${path}`,
    priority: Number(given['priority'] ?? 0),
    cell: jsonPath(path),
  }
}

/** The kinds that a CustomResourceDefinition serves: one a served version. */
export const kindsOf = (crd: KubeObject): readonly Kind[] => {
  const names = recordOf(recordOf(crd['spec'])['names'])
  const plural = textOf(names['plural'])
  return listOf(recordOf(crd['spec'])['versions'])
    .filter(isRecord)
    .filter((version) => version['served'] === true)
    .map((version) => {
      const columns = listOf(version['additionalPrinterColumns']).map(printerColumn)
      return {
        group: textOf(recordOf(crd['spec'])['group']),
        version: textOf(version['name']),
        kind: textOf(names['kind']),
        listKind: textOf(names['listKind']),
        plural,
        singular: textOf(names['singular']),
        shortNames: textsOf(names['shortNames']),
        categories: textsOf(names['categories']),
        namespaced: recordOf(crd['spec'])['scope'] === 'Namespaced',
        hasStatus: isRecord(recordOf(version['subresources'])['status']),
        hasGeneration: true,
        needsVersion: true,
        custom: true,
        schema: recordOf(recordOf(version['schema'])['openAPIV3Schema']),
        columns: columns.length === 0 ? [age] : columns,
      }
    })
}

// The order of the real server: the first group that has a plural is the one kubectl means by it.
const rank = ({ version, group }: Kind): string => `${version} ${group}`

/** What is served: the kinds above and those of the CustomResourceDefinitions in the store, at any moment. */
export const createKinds = (store: Store): Kinds => {
  const custom = new Map<string, readonly Kind[]>()
  store.subscribe(({ type, resource, object }) => {
    if (resource !== crdResource) return
    const name = object.metadata.name ?? ''
    if (type === 'DELETED') custom.delete(name)
    else custom.set(name, kindsOf(object))
    if (type === 'ADDED') store.born(name)
  })
  const all = (): readonly Kind[] => [
    ...builtInKinds,
    ...[...custom.values()].flat().toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1)),
  ]
  return {
    all,
    find: (group, version, plural) => {
      const candidates = custom.get(`${plural}.${group}`) ?? builtInKinds
      return candidates.find(
        (kind) => kind.group === group && kind.version === version && kind.plural === plural,
      )
    },
  }
}

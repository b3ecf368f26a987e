import { field, isObject, objectOr, textOr, type JsonObject } from '../core/json.ts'
import { allResources, namespaceResource, type Resource } from '../core/resources.ts'
import { show } from '../core/show.ts'
import type { SchemaCause } from '../schema/cause.ts'
import type { Definition } from '../schema/definition.ts'
import type { Path } from '../schema/path.ts'
import { structureOf } from '../schema/structure.ts'
import { documentsIn, type Document, type Oddity } from './documents.ts'
import { namesOf } from './item-names.ts'
import { hintAt, installFirst, isKnownByName, isKnownGroup, notServed } from './unserved.ts'

/** One object of a known kind, with its namespace filled in; that is empty if the objects of its kind are in none. */
export type Manifest = {
  readonly resource: Resource
  readonly object: JsonObject
  readonly namespace: string
  readonly name: string
}

/** The place of an object in a file. */
export type SourcePosition = {
  readonly file: string
  readonly line: number
  /** The line of a field or, if it is not written, of the innermost field around it. */
  readonly lineOf: (path: Path) => number
}

/** One object of a file: of a known kind, of a kind that does not exist in a known group, or a Namespace. */
export type Item = {
  readonly place: SourcePosition
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Empty if the objects of its kind are in none; of a Namespace, its name. */
  readonly namespace: string
  readonly name: string
  /** The causes for which an API server refuses the object by itself. */
  readonly causes: readonly SchemaCause[]
  /** Parts that kubectl reads differently from how they look. */
  readonly oddities: readonly Oddity[]
  /** The object with the defaults of its schema; undefined if bindings do not depend on its kind. */
  readonly manifest: Manifest | undefined
  /** The labels that a Namespace writes; undefined of any other kind. */
  readonly labels: JsonObject | undefined
}

export type ParseOptions = {
  /** The namespace of objects that name none. */
  readonly namespace: string
  /** The kinds that are served. */
  readonly definitions: readonly Definition[]
  /** Kinds that are not served and are judged by their definitions all the same, so that more than that is said of them. */
  readonly unserved?: readonly Resource[]
}

/** An object and where it stands. */
export type Located = {
  readonly object: JsonObject
  readonly apiVersion: string
  readonly kind: string
  readonly place: SourcePosition
  readonly oddities: readonly Oddity[]
}

/** The objects of files, before they are judged, and what could not be read. */
export type Objects = { readonly objects: readonly Located[]; readonly problems: readonly string[] }

/** Reads the objects in a text. Problems name the file and the line. */
export function objectsOf(text: string, file: string): Objects {
  const all = documentsIn(text).map((document) => objectsIn(document, file))
  return {
    objects: all.flatMap(({ objects }) => objects),
    problems: all.flatMap(({ problems }) => problems),
  }
}

/**
 * Judges objects by the schemas of their kinds. Kinds of unknown groups, and those that bindings do not depend on, are ignored.
 *
 * @param objects all of the input, because one without a name is called by where it stands among them
 */
export const itemsOf = (objects: readonly Located[], options: ParseOptions): readonly Item[] =>
  objects.flatMap((one, at) => itemOf(one, at + 1, options) ?? [])

/** The object itself or, of a List, its items, nested Lists included. Of a typed List the items may be written without their kind. */
export function objectsIn(document: Document, file: string): Objects {
  const all = collect(document.value, [], undefined)
  // Oddities of a List are reported with its first object only.
  return { ...all, objects: all.objects.map((one, at) => (at === 0 ? one : { ...one, oddities: [] })) }

  function collect(written: unknown, path: Path, typedAs: Typed | undefined): Objects {
    const value = typedAs && isObject(written) && isUntyped(written) ? { ...written, ...typedAs } : written
    const line = path.length === 0 ? document.where : document.lineOf(path)
    if (value === null || value === undefined) return { objects: [], problems: [] }
    if (value instanceof Error) return { objects: [], problems: [`${file}:${line}: ${value.message}`] }
    if (!isObject(value))
      return { objects: [], problems: [`${file}:${line}: ${show(value)} is not a Kubernetes object`] }
    const { apiVersion, kind, items } = value
    if (!Array.isArray(items) || !textOr(kind, '').endsWith('List')) {
      if (typeof apiVersion !== 'string' || typeof kind !== 'string')
        return { objects: [], problems: [`${file}:${line}: ${namesNoKind}`] }
      const place = { file, line, lineOf: (inner: Path) => document.lineOf([...path, ...inner]) }
      const { oddities } = document
      return { objects: [{ object: value, apiVersion, kind, place, oddities }], problems: [] }
    }
    const typed = typeOfItems(value)
    const inner = items.map((item: unknown, at) => collect(item, [...path, 'items', at], typed))
    return {
      objects: inner.flatMap(({ objects }) => objects),
      problems: inner.flatMap(({ problems }) => problems),
    }
  }
}

type Typed = { readonly apiVersion: string; readonly kind: string }

/** The type of the items of a typed List, such as `InferencePoolList`; undefined for a `List`, which may hold anything. */
function typeOfItems({ apiVersion, kind }: JsonObject): Typed | undefined {
  const ofItem = textOr(kind, '').replace(/List$/v, '')
  return ofItem === '' || typeof apiVersion !== 'string' ? undefined : { apiVersion, kind: ofItem }
}

/** An item with one of the two is not taken for one of the List's type. kubectl does it so. */
const isUntyped = ({ apiVersion, kind }: JsonObject): boolean =>
  textOr(apiVersion, '') === '' && textOr(kind, '') === ''

const namesNoKind = 'apiVersion or kind is missing; write both, such as apiVersion: kleym.sonda.red/v1alpha1'

function itemOf(
  { object, apiVersion, kind, place, oddities }: Located,
  position: number,
  options: ParseOptions,
): Item | undefined {
  const slash = apiVersion.indexOf('/')
  const group = slash === -1 ? '' : apiVersion.slice(0, slash)
  const version = apiVersion.slice(slash + 1)
  const { definitions, unserved = [] } = options
  if (apiVersion === namespaceResource.version && kind === namespaceResource.kind)
    return namespaceOf(object, place)
  const definition = definitions.find(
    (one) => one.group === group && one.version === version && one.kind === kind,
  )
  // A CustomResourceDefinition has one scope for all its versions.
  const isNamespaced =
    [...definitions, ...allResources].find((one) => one.group === group && one.kind === kind)?.namespaced ??
    true
  const named = {
    ...namesOf(object, { namespace: options.namespace, isNamespaced, position }),
    place,
    group,
    version,
    kind,
    oddities,
    labels: undefined,
  }
  if (!definition)
    return isKnownGroup(group, definitions) && !isKnownByName(kind, definitions)
      ? {
          ...named,
          causes: [notServed(apiVersion, kind, hintAt(apiVersion, kind, definitions))],
          manifest: undefined,
        }
      : undefined
  const structure = structureOf(object, definition)
  const resource = allResources.find(
    (known) => known.group === group && known.version === version && known.kind === kind,
  )
  if (!resource && !definition.schema) return undefined
  const isUnserved = resource !== undefined && unserved.includes(resource)
  const { namespace, name } = named
  const metadata = structure.object['metadata']
  const placed = {
    ...structure.object,
    metadata: { ...(isObject(metadata) && metadata), name, ...(isNamespaced && { namespace }) },
  }
  return {
    ...named,
    causes: isUnserved ? [notServed(apiVersion, kind, installFirst), ...structure.causes] : structure.causes,
    manifest: resource && { resource, namespace, name, object: placed },
  }
}

/** A Namespace is no object that is judged. What it writes decides how others are. */
function namespaceOf(object: JsonObject, place: SourcePosition): Item {
  const metadata = objectOr(field(object, 'metadata'))
  const name = textOr(field(metadata, 'name'), '')
  const { group, version, kind } = namespaceResource
  const labels = objectOr(field(metadata, 'labels'))
  const nothing = { causes: [], oddities: [], manifest: undefined }
  return { place, group, version, kind, namespace: name, name, labels, ...nothing }
}

/** What objects of the input are called: where they are, and by which name. */
import { field, objectOr, textOr, type JsonObject } from '../core/json.ts'

/** Where an object is, and its name. */
export type PlacedName = {
  /** Empty if the objects of its kind are in no namespace. */
  readonly namespace: string
  readonly name: string
}

type Naming = {
  /** The namespace of an object that names none. */
  readonly namespace: string
  /** Whether the objects of its kind are in namespaces. */
  readonly isNamespaced: boolean
  /** The position of the object in the input, from 1. */
  readonly position: number
}

/**
 * Namespace and name of an object. If it only has a generateName, a name is made of that and its position, which no other object has:
 * the API server makes two objects of two such manifests, however alike they are.
 */
export function namesOf(object: JsonObject, { namespace, isNamespaced, position }: Naming): PlacedName {
  const metadata = objectOr(field(object, 'metadata'))
  const text = (name: string): string => textOr(field(metadata, name), '')
  const prefix = text('generateName').slice(0, 58)
  const name = text('name') || (prefix && `${prefix}${String(position).padStart(5, '0')}`)
  return { namespace: isNamespaced ? text('namespace') || namespace : '', name }
}

/** An object as `namespace/name`, or as its name alone. */
export const nameWords = ({ namespace, name }: PlacedName): string =>
  namespace === '' ? name : `${namespace}/${name}`

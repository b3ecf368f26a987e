import { randomInt, randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Call } from './api.ts'
import { without } from './json.ts'
import type { Kind } from './kind.ts'
import { isDeleting, nameOf, timestamp, withMeta, withoutMeta, type KubeObject } from './object.ts'
import type { Cause } from './status.ts'

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

const nameWords =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end " +
  "with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

export const nameCauses = (name: string): readonly Cause[] => {
  const field = 'metadata.name'
  if (name === '') {
    const message = 'Required value: name or generateName is required'
    return [{ reason: 'FieldValueRequired', field, message }]
  }
  if (subdomain.test(name) && name.length <= 253) return []
  return [
    { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(name)}: ${nameWords}` },
  ]
}

const suffix = (): string =>
  Array.from({ length: 5 }, () => 'bcdfghjklmnpqrstvwxz2456789'.charAt(randomInt(27))).join('')

/** A new object with the metadata that the server alone decides: what the client says of that is ignored. */
export const asNew = (object: KubeObject, kind: Kind): KubeObject => {
  const { generateName } = object.metadata
  const bare = withoutMeta(
    object,
    'uid',
    'generation',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'selfLink',
  )
  const name =
    nameOf(object) === '' && generateName !== undefined ? `${generateName}${suffix()}` : nameOf(object)
  const { metadata } = withMeta(bare, {
    ...(name === '' ? {} : { name }),
    uid: randomUUID(),
    creationTimestamp: timestamp(),
    ...(kind.hasGeneration ? { generation: 1 } : {}),
  })
  const rest = without(object, ...(kind.hasStatus && kind.custom ? ['status'] : []))
  return { ...rest, ...typed(object), metadata }
}

const content = (object: KubeObject, kind: Kind): unknown =>
  without(object, 'apiVersion', 'kind', 'metadata', ...(kind.hasStatus ? ['status'] : []))

/** The next version of an object. A write of the status changes the status alone, any other write everything but the status. */
export const asNext = (before: KubeObject, given: KubeObject, call: Call): KubeObject => {
  const { kind, subresource } = call
  if (subresource === 'status')
    return { ...without(before, 'status'), ...typed(before), ...pick(given, 'status') }
  const {
    uid,
    creationTimestamp,
    resourceVersion,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  } = before.metadata
  const bare = withoutMeta(given, 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'selfLink')
  const changed = !isDeepStrictEqual(content(before, kind), content(given, kind))
  const { metadata } = withMeta(bare, {
    name: nameOf(before),
    ...(uid === undefined ? {} : { uid }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(generation === undefined ? {} : { generation: changed ? generation + 1 : generation }),
    ...(isDeleting(before) ? { deletionTimestamp, deletionGracePeriodSeconds } : {}),
  })
  const rest = without(given, 'metadata', ...(kind.hasStatus ? ['status'] : []))
  return { ...rest, ...typed(given), metadata, ...(kind.hasStatus ? pick(before, 'status') : {}) }
}

const typed = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => ({ apiVersion, kind, metadata })

const pick = (object: KubeObject, field: string): Readonly<Record<string, unknown>> =>
  object[field] === undefined ? {} : { [field]: object[field] }

export const finalizerCauses = (before: KubeObject, next: KubeObject): readonly Cause[] => {
  const added = (next.metadata.finalizers ?? []).filter((item) => !before.metadata.finalizers?.includes(item))
  if (!isDeleting(before) || added.length === 0) return []
  const list = `[]string{${added.map((item) => JSON.stringify(item)).join(', ')}}`
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`
  return [{ reason: 'FieldValueForbidden', field: 'metadata.finalizers', message: `Forbidden: ${why}` }]
}

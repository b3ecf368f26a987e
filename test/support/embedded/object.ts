import { isRecord, isTextMap, isTexts, type Json } from './json.ts'

export type Meta = {
  readonly name?: string
  readonly generateName?: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string | null
  readonly deletionTimestamp?: string | null
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly [field: string]: unknown
}

/** Anything the server stores. Stored objects are frozen by convention: a change is a new object. */
export type KubeObject = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Meta
  readonly [field: string]: unknown
}

const absent = (value: unknown): boolean => value === undefined || value === null

const metaFields: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: (value) => typeof value === 'string',
  generateName: (value) => typeof value === 'string',
  namespace: (value) => typeof value === 'string',
  uid: (value) => typeof value === 'string',
  resourceVersion: (value) => typeof value === 'string',
  labels: isTextMap,
  annotations: isTextMap,
  finalizers: isTexts,
}

const isMeta = (value: unknown): value is Meta =>
  isRecord(value) && Object.entries(metaFields).every(([key, fits]) => absent(value[key]) || fits(value[key]))

const withoutNulls = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null))

/** An object with metadata of the right shape, or nothing. A null in the metadata is an absent field. */
export const decodeObject = (value: unknown): KubeObject | undefined => {
  if (!isRecord(value)) return undefined
  const { apiVersion, kind } = value
  const metadata: unknown = isRecord(value['metadata']) ? withoutNulls(value['metadata']) : {}
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || !isMeta(metadata)) return undefined
  return { ...value, apiVersion, kind, metadata }
}

export const nameOf = (object: KubeObject): string => object.metadata.name ?? ''

export const namespaceOf = (object: KubeObject): string => object.metadata.namespace ?? ''

/** The key under which the store keeps an object; sorts by namespace, then name, as etcd does. */
export const keyOf = (object: KubeObject): string => `${namespaceOf(object)}/${nameOf(object)}`

export const withMeta = (object: KubeObject, change: Meta): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, ...change },
})

export const withoutMeta = (object: KubeObject, ...fields: readonly string[]): KubeObject => ({
  ...object,
  metadata: Object.fromEntries(Object.entries(object.metadata).filter(([field]) => !fields.includes(field))),
})

export const isDeleting = (object: KubeObject): boolean =>
  typeof object.metadata.deletionTimestamp === 'string'

export const timestamp = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

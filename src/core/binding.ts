import { field, isObject, numberOr, objectOr, sameJson, textOr, type JsonObject } from './json.ts'
import { trimSpace } from './names.ts'

/** `namespace/name`, the key of everything that is kept for one binding. */
export type BindingKey = `${string}/${string}`

export const bindingKey = (namespace: string, name: string): BindingKey => `${namespace}/${name}`

export const finalizer = 'kleym.sonda.red/inferenceidentitybinding-finalizer'

/**
 * An annotation of a binding: the name of the binding that it replaces. With it an identity moves to a new name
 * without a gap.
 */
export const replacesAnnotation = 'kleym.sonda.red/replaces'

/** A string as it was written, or absent, or something else, which no check accepts. */
export type Field = string | undefined | Malformed
export type Malformed = { readonly malformed: unknown }

/** A reference with its outer white space gone; an empty group is no group. */
export type Reference = { readonly name: Field; readonly group: Field }

export const modes = ['PoolOnly', 'PerObjective'] as const
export type Mode = (typeof modes)[number]

export type BindingSpec = {
  readonly poolRef: Reference
  readonly objectiveRef: Reference | undefined
  readonly mode: Mode | Malformed
  readonly serviceAccountName: Field
  readonly containerName: Field
}

/** An InferenceIdentityBinding, `kleym.sonda.red/v1alpha1`. */
export type Binding = {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  readonly deleting: boolean
  readonly finalizers: readonly string[]
  /** The name of the binding that this one is to replace. */
  readonly replaces: string | undefined
  readonly spec: BindingSpec
  /** As the API server has it, for comparison with the status that would be written. */
  readonly status: JsonObject
}

/** Reads a binding from any JSON. Values of a wrong type are kept in its fields, so that the checks can name them. */
export function decodeBinding(object: unknown): Binding {
  const { metadata, spec, status } = objectOr(object)
  const meta = objectOr(metadata)
  return {
    namespace: textOr(field(meta, 'namespace'), ''),
    name: textOr(field(meta, 'name'), ''),
    uid: textOr(field(meta, 'uid'), ''),
    resourceVersion: textOr(field(meta, 'resourceVersion'), ''),
    generation: numberOr(field(meta, 'generation'), 1),
    deleting: field(meta, 'deletionTimestamp') !== undefined,
    finalizers: decodeFinalizers(field(meta, 'finalizers')),
    replaces: decodeReplaces(field(meta, 'annotations')),
    spec: decodeSpec(spec),
    status: objectOr(status),
  }
}

function decodeFinalizers(finalizers: unknown): readonly string[] {
  if (!Array.isArray(finalizers)) return []
  const names = finalizers.filter((item) => typeof item === 'string')
  return names.length === 1 && names[0] === finalizer ? oursAlone : names
}

/** Shared, since nearly all bindings have it. */
const oursAlone: readonly string[] = [finalizer]

function decodeReplaces(annotations: unknown): string | undefined {
  const name = trimSpace(textOr(field(objectOr(annotations), replacesAnnotation), ''))
  return name === '' ? undefined : name
}

function decodeSpec(spec: unknown): BindingSpec {
  const fields = objectOr(spec)
  const objectiveRef = field(fields, 'objectiveRef')
  return {
    poolRef: decodeReference(field(fields, 'poolRef')),
    objectiveRef: objectiveRef === undefined ? undefined : decodeReference(objectiveRef),
    mode: decodeMode(field(fields, 'mode')),
    serviceAccountName: decodeField(field(fields, 'serviceAccountName')),
    containerName: decodeField(field(fields, 'containerName')),
  }
}

function decodeReference(reference: unknown): Reference {
  if (reference === undefined) return { name: undefined, group: undefined }
  if (!isObject(reference)) return { name: { malformed: reference }, group: undefined }
  const group = trimmed(decodeField(field(reference, 'group')))
  return { name: trimmed(decodeField(field(reference, 'name'))), group: group === '' ? undefined : group }
}

function decodeMode(mode: unknown): Mode | Malformed {
  if (mode === undefined || mode === '') return 'PerObjective'
  return modes.find((known) => known === mode) ?? { malformed: mode }
}

const decodeField = (value: unknown): Field =>
  value === undefined || typeof value === 'string' ? value : { malformed: value }

const trimmed = (value: Field): Field => (typeof value === 'string' ? trimSpace(value) : value)

export const isMalformed = (value: string | Malformed | undefined): value is Malformed =>
  typeof value === 'object'

/**
 * The workloads that a binding asks for, as one text, told by the references in its spec: its pool, its service account and, of a
 * PerObjective binding, its container. They need not lead to anything.
 */
export const workloadsRefOf = ({ namespace, spec }: Binding): string => {
  const { poolRef, serviceAccountName, containerName } = spec
  return JSON.stringify([namespace, poolRef.name, poolRef.group ?? '', serviceAccountName, containerName])
}

/** Whether two versions of a binding mean the same, even if written differently. */
export const isSameWish = (a: Binding, b: Binding): boolean =>
  a.replaces === b.replaces && sameJson(a.spec, b.spec)

/**
 * Whether two versions of a binding are written alike where admission is asked about them, as the `matchConditions` of
 * the webhooks say it. White space counts: an update that only trims still has the failures that were there before.
 */
export const isWrittenAlike = (a: unknown, b: unknown): boolean =>
  sameJson(objectOr(a)['spec'], objectOr(b)['spec']) && writtenReplaces(a) === writtenReplaces(b)

const writtenReplaces = (object: unknown): unknown =>
  objectOr(objectOr(objectOr(object)['metadata'])['annotations'])[replacesAnnotation]

/** The value as it was written, of whatever type. */
export const given = (value: string | Malformed | undefined): unknown =>
  typeof value === 'object' ? value.malformed : value

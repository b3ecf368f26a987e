import { isDeepStrictEqual } from 'node:util'
import { current, isDryRun, present, requireHome, type Api, type Call } from './api.ts'
import { decodeFor, reshape } from './decode.ts'
import type { Attributes, Operation } from './hooks.ts'
import { isRecord } from './json.ts'
import { groupResource } from './kind.ts'
import { isDeleting, keyOf, nameOf, withoutMeta, type KubeObject } from './object.ts'
import { alreadyExists, conflict, failure, invalid, Refusal, staleWrite } from './status.ts'
import { newViolations, violations } from './validation.ts'
import { asNew, asNext, finalizerCauses, nameCauses } from './versions.ts'

const attributesOf = (
  call: Call,
  operation: Operation,
  objects: Pick<Attributes, 'object' | 'oldObject'>,
): Attributes => {
  const { kind, namespace, name, user, warn } = call
  return { operation, kind, namespace, name, user, warn, dryRun: isDryRun(call), ...objects }
}

const shown = (object: KubeObject, call: Call): KubeObject => present(call.kind, object)

export const create = async (api: Api, call: Call, body: unknown): Promise<KubeObject> => {
  const { kind } = call
  const given = decodeFor(body, call)
  if (kind.answer !== undefined) return { ...given, status: kind.answer(given) }
  const named = { ...call, name: nameOf(given) }
  requireHome(api, named)
  const mutated = await api.admission.mutate(attributesOf(named, 'CREATE', { object: given }))
  const object = asNew(reshape(mutated ?? given, call), kind)
  const { resourceVersion = '' } = object.metadata
  const causes = [...nameCauses(nameOf(object)), ...violations(kind.schema ?? {}, object)]
  if (causes.length > 0) throw invalid(kind, nameOf(object), causes)
  await api.admission.validate(attributesOf({ ...call, name: nameOf(object) }, 'CREATE', { object }))
  if (resourceVersion !== '') {
    throw new Refusal(failure(500, '', 'resourceVersion should not be set on objects to be created'))
  }
  if (api.store.get(groupResource(kind), keyOf(object)) !== undefined)
    throw alreadyExists(kind, nameOf(object))
  // The namespace or the definition may have gone while the webhooks were asked.
  requireHome(api, named)
  return shown(isDryRun(call) ? object : api.store.put(groupResource(kind), object), call)
}

/** The conditions that a write states by carrying a uid or a resourceVersion. */
const checkConditions = (before: KubeObject, given: KubeObject, call: Call): void => {
  const { kind, namespace, name } = call
  const { uid = '', resourceVersion = '' } = given.metadata
  if (uid !== '' && uid !== before.metadata.uid) {
    const key = ['/registry', kind.group, kind.plural, namespace, name]
      .filter((part) => part !== '')
      .join('/')
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${before.metadata.uid ?? ''}`
    const words = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`
    throw conflict(kind, name, words)
  }
  if (resourceVersion === '' && kind.needsVersion) {
    const message = 'Invalid value: 0: must be specified for an update'
    const cause = { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message }
    // Here the real server puts the resource where the kind belongs.
    throw invalid({ ...kind, kind: kind.plural }, name, [cause])
  }
  if (resourceVersion !== '' && resourceVersion !== before.metadata.resourceVersion)
    throw staleWrite(kind, name)
}

const sameBut = (a: KubeObject, b: KubeObject): boolean =>
  isDeepStrictEqual(withoutMeta(a, 'resourceVersion'), withoutMeta(b, 'resourceVersion'))

/** Stores a version; one that takes the last finalizer from a deleting object ends it. */
const commit = (api: Api, { kind }: Call, next: KubeObject): KubeObject => {
  const resource = groupResource(kind)
  const isDone =
    isDeleting(next) && (next.metadata.finalizers ?? []).length === 0 && resource !== 'namespaces'
  return isDone ? api.store.remove(resource, next) : api.store.put(resource, next)
}

const attempts = 5

/**
 * An update from what `propose` makes of the stored object. Webhooks are asked in between, so the object may have
 * moved on when they have answered: then everything is done again, as the real server does.
 */
const rewrite = async (
  api: Api,
  call: Call,
  propose: (before: KubeObject) => KubeObject,
): Promise<KubeObject> => {
  const { kind, name, subresource } = call
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const before = current(api, call)
    const given = propose(before)
    checkConditions(before, given, call)
    const isMain = subresource === ''
    const proposal = asNext(before, given, call)
    const mutated = isMain
      ? await api.admission.mutate(attributesOf(call, 'UPDATE', { object: proposal, oldObject: before }))
      : undefined
    const next = mutated === undefined ? proposal : asNext(before, reshape(mutated, call), call)
    const causes = [...finalizerCauses(before, next), ...newViolations(kind.schema ?? {}, before, next)]
    if (causes.length > 0) throw invalid(kind, name, causes)
    if (isMain)
      await api.admission.validate(attributesOf(call, 'UPDATE', { object: next, oldObject: before }))
    if (api.store.get(groupResource(kind), keyOf(before)) !== before) continue
    if (sameBut(before, next)) return shown(before, call)
    return shown(isDryRun(call) ? next : commit(api, call, next), call)
  }
  throw staleWrite(kind, name)
}

export const update = async (api: Api, call: Call, body: unknown): Promise<KubeObject> => {
  const given = decodeFor(body, call)
  return rewrite(api, call, () => given)
}

/** `change` is what the patch makes of the stored object. */
export const patch = async (
  api: Api,
  call: Call,
  change: (before: unknown) => unknown,
): Promise<KubeObject> =>
  rewrite(api, call, (before) => {
    const changed = change(present(call.kind, before))
    return decodeFor(isRecord(changed) ? changed : {}, call)
  })

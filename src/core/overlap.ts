import type { Binding } from './binding.ts'
import type { Identity } from './identity.ts'
import { doNest } from './selectors.ts'

/** A binding and its identity. */
export type IdentifiedBinding = { readonly binding: Binding; readonly identity: Identity }

/** Whether two bindings give one pool and service account an identity in two modes. */
const areMixed = (a: IdentifiedBinding, b: IdentifiedBinding): boolean =>
  a.identity.mode !== b.identity.mode &&
  a.identity.poolGroup === b.identity.poolGroup &&
  a.binding.spec.poolRef.name === b.binding.spec.poolRef.name &&
  isForOneAccount(a, b)

/**
 * Whether all pods of one binding are among those of the other, for a service account and a container that both
 * serve. A PoolOnly binding serves every container. Bindings of two modes on one pool do not count here: they are
 * `areMixed`.
 */
export const doOverlap = (a: IdentifiedBinding, b: IdentifiedBinding): boolean =>
  isForOneAccount(a, b) &&
  isForOneContainer(a, b) &&
  doNest(a.identity.pods.labels, b.identity.pods.labels) &&
  !areMixed(a, b)

const isForOneAccount = (a: IdentifiedBinding, b: IdentifiedBinding): boolean =>
  a.binding.spec.serviceAccountName === b.binding.spec.serviceAccountName

const isForOneContainer = (a: IdentifiedBinding, b: IdentifiedBinding): boolean =>
  a.identity.mode === 'PoolOnly' ||
  b.identity.mode === 'PoolOnly' ||
  a.binding.spec.containerName === b.binding.spec.containerName

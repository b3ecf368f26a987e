import type { Mode } from './binding.ts'
import { collisionKey, workloadSelectors, type PodLabels } from './selectors.ts'

/** Settings of the operator that identities are made of. They are fixed at its start. */
export type Settings = {
  readonly trustDomain: string
  readonly className: string | undefined
}

/** The identity that a binding gives, and the workloads that get it. */
export type Identity = {
  readonly mode: Mode
  readonly spiffeId: string
  /** The group in which the pool was found: two groups may each have a pool of this name. */
  readonly poolGroup: string
  readonly pods: PodLabels
  readonly selectors: readonly string[]
  /** Only of PerObjective bindings, because PoolOnly ones never collide. */
  readonly collisionKey: string | undefined
}

export function spiffeId(trustDomain: string, namespace: string, mode: Mode, name: string): string {
  const segment = mode === 'PoolOnly' ? 'pool' : 'objective'
  return `spiffe://${trustDomain}/ns/${namespace}/${segment}/${name}`
}

/** The field of a binding that the last segment of its ID comes from. */
export const idField = (mode: Mode): string =>
  mode === 'PoolOnly' ? 'spec.poolRef.name' : 'spec.objectiveRef.name'

/** SPIFFE-ID section 2: a trust domain of 1 to 255 of `a-z0-9.-_`, then segments that are neither `.` nor `..`. */
const grammar = /^spiffe:\/\/[a-z0-9.\-_]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9.\-_]+)+$/

/** SPIFFE-ID section 2.3: the largest ID that every implementation must take, in bytes. */
const longestIdBytes = 2048

export const isSpiffeId = (id: string): boolean => id.length <= longestIdBytes && grammar.test(id)

/** Puts an identity together. The parts are judged by the checks, not here. */
export function composeIdentity(parts: {
  readonly namespace: string
  readonly mode: Mode
  readonly spiffeId: string
  readonly poolGroup: string
  readonly serviceAccountName: string
  readonly pods: PodLabels
  readonly container: string | undefined
}): Identity {
  const { namespace, mode, pods, container } = parts
  const selectors = workloadSelectors(namespace, parts.serviceAccountName, pods, container)
  return {
    mode,
    spiffeId: parts.spiffeId,
    poolGroup: parts.poolGroup,
    pods,
    selectors,
    collisionKey: container === undefined ? undefined : collisionKey(namespace, pods, selectors, container),
  }
}

/**
 * A rename gives an identity to a binding of another name. Deployment tools create the new binding before they delete
 * the old one, so that both exist for a while. Each has its ClusterSPIFFEID, and SPIRE Controller Manager makes one
 * entry of the two.
 */
import { workloadsRefOf, type Binding } from './binding.ts'
import { sameJson } from './json.ts'

/**
 * Whether one binding is the other under a new name: it is annotated to replace the other, and both lead to the same
 * SPIFFE ID. The caller must know that both have the same selectors, by an equal collision key or an equal container reference.
 */
export const areOneRenamed = (a: Binding, b: Binding): boolean =>
  (a.replaces === b.name || b.replaces === a.name) && a.name !== b.name && giveSameId(a, b)

/** What a binding serves now, and whether it may come to serve what it asks for. */
type Serving = {
  readonly identity: { readonly selectors: readonly string[] } | undefined
  readonly isSound: boolean
}

/** Whether an annotation `replaces` between two bindings has an effect: both give one identity to the same workloads, or will. */
export const isReplacement = (a: Binding, servingOfA: Serving, b: Binding, servingOfB: Serving): boolean =>
  areOneRenamed(a, b) &&
  (servingOfA.identity && servingOfB.identity
    ? sameJson(servingOfA.identity.selectors, servingOfB.identity.selectors)
    : servingOfA.isSound && servingOfB.isSound && workloadsRefOf(a) === workloadsRefOf(b))

/**
 * The last segment of an ID is the name of the objective or of the pool; the rest is the same for all bindings of a
 * namespace and mode.
 */
const giveSameId = (a: Binding, b: Binding): boolean => {
  const [one, other] = [idNameOf(a), idNameOf(b)]
  return a.spec.mode === b.spec.mode && typeof one === 'string' && one === other
}

const idNameOf = ({ spec }: Binding): unknown =>
  spec.mode === 'PoolOnly' ? spec.poolRef.name : spec.objectiveRef?.name

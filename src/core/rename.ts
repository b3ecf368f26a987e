/**
 * Another name for the same identity. Deployment tools create the new binding before they delete the old one, so the two
 * live side by side for a while; each has its ClusterSPIFFEID, and SPIRE Controller Manager makes one entry of both.
 */
import type { Binding } from './binding.ts'

/**
 * Whether two bindings are one under two names: one says that it replaces the other, and both stand for the same SPIFFE
 * ID. That they have the same selectors is for the caller to know, by an equal collision key or an equal reference.
 */
export const areOneRenamed = (a: Binding, b: Binding): boolean =>
  (a.replaces === b.name || b.replaces === a.name) && a.name !== b.name && giveSameId(a, b)

/** The last segment of an ID is the name of the objective, or of the pool; the rest is the namespace's. */
const giveSameId = (a: Binding, b: Binding): boolean => {
  const [one, other] = [idNameOf(a), idNameOf(b)]
  return a.spec.mode === b.spec.mode && typeof one === 'string' && one === other
}

const idNameOf = ({ spec }: Binding): unknown =>
  spec.mode === 'PoolOnly' ? spec.poolRef.name : spec.objectiveRef?.name

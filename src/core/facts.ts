import { isMalformed, type Binding, type BindingKey, type Mode } from './binding.ts'
import type { Finding } from './findings.ts'
import { composeIdentity, spiffeId, type Identity, type Settings } from './identity.ts'
import { candidatesOf, lookUp, type Candidate, type Lookup, type Objective, type Pool } from './references.ts'
import { objectiveResources, poolResources, type Resource } from './resources.ts'

/** Finds bindings, by name, that share a pool or pods with a given one. The given one may be among them. */
export type Neighbours = {
  readonly sharingSpiffeId: (spiffeId: string) => Iterable<string>
  /** Bindings of a mode on the same pool, for the same service account. */
  readonly onPool: (binding: Binding, poolGroup: string, mode: Mode) => Iterable<string>
  /** Bindings whose pods may overlap with those of the given one. A name may come twice. */
  readonly overlapping: (binding: Binding, identity: Identity) => Iterable<string>
}

/** What the checks may ask about everything but the binding itself. Bindings that are being deleted are left out. */
export type World = {
  readonly neighbours: Neighbours
  readonly settings: Settings
  isServed(resource: Resource): boolean
  /** The versions that are served instead of the one that is read; undefined for a kind that is not unread. */
  otherVersions(resource: Resource): readonly string[] | undefined
  pool(resource: Resource, namespace: string, name: string): Pool | undefined
  objective(resource: Resource, namespace: string, name: string): Objective | undefined
  binding(key: BindingKey): Binding | undefined
  /** The bindings, the asking one perhaps among them, that hold a collision key. */
  holders(collisionKey: string): readonly Binding[]
  /** The holders, and the bindings whose references can also lead to objects by which they would hold the key. */
  possibleHolders(collisionKey: string): readonly Binding[]
  /** The bindings that ask for one container by the same references, whether or not these lead to anything yet. */
  sharingContainer(containerRef: string): readonly Binding[]
  /** The bindings that are annotated to replace the given one; those that are being deleted are among them. */
  replacing(key: BindingKey): readonly Binding[]
}

/** Everything that the checks look at, gathered before the first check runs. */
export type Facts = {
  readonly binding: Binding
  readonly world: World
  readonly pool: Lookup<Pool>
  /** Every pool that the reference can lead to, beginning with the one that it leads to now. */
  readonly pools: readonly Candidate<Pool>[]
  readonly objective: Lookup<Objective> | undefined
  /** Known once the pool and, for PerObjective, the objective are found. */
  readonly spiffeId: string | undefined
  /** Undefined until all objects that it is made of exist; the checks may still find fault with it. */
  readonly identity: Identity | undefined
}

/** A check returns what is wrong, or undefined. It runs only if the checks that it needs have passed. */
export type Check = (facts: Facts) => Finding | readonly Finding[] | undefined

export function gather(binding: Binding, world: World): Facts {
  const { namespace, spec } = binding
  const isServed = (resource: Resource): boolean => world.isServed(resource)
  const pools = candidatePools(binding, world)
  const poolOf = (resource: Resource): Pool | undefined =>
    pools.find((candidate) => candidate.resource === resource)?.object
  const pool = lookUp(spec.poolRef, poolResources, isServed, poolOf)
  const objective =
    spec.objectiveRef &&
    lookUp(spec.objectiveRef, objectiveResources, isServed, (resource, name) =>
      world.objective(resource, namespace, name),
    )
  return { binding, world, pool, pools, objective, ...identify(binding, world.settings, pool, objective) }
}

/** Every pool that the binding's reference can lead to, beginning with the one that it leads to now. */
export const candidatePools = (
  { namespace, spec }: Binding,
  world: Pick<World, 'isServed' | 'pool'>,
): readonly Candidate<Pool>[] =>
  candidatesOf(
    spec.poolRef,
    poolResources,
    (resource) => world.isServed(resource),
    (resource, name) => world.pool(resource, namespace, name),
  )

/** Every objective that the binding's reference can lead to, beginning with the one that it leads to now. */
export const candidateObjectives = ({
  binding: { namespace, spec },
  world,
}: Facts): readonly Candidate<Objective>[] =>
  spec.objectiveRef === undefined
    ? []
    : candidatesOf(
        spec.objectiveRef,
        objectiveResources,
        (resource) => world.isServed(resource),
        (resource, name) => world.objective(resource, namespace, name),
      )

function identify(
  { namespace, spec }: Binding,
  { trustDomain }: Settings,
  pool: Facts['pool'],
  objective: Facts['objective'],
): Pick<Facts, 'spiffeId' | 'identity'> {
  const { mode, serviceAccountName, containerName } = spec
  const target = mode === 'PoolOnly' ? pool : objective
  if (isMalformed(mode) || pool.kind !== 'found' || target?.kind !== 'found')
    return { spiffeId: undefined, identity: undefined }
  const id = spiffeId(trustDomain, namespace, mode, target.name)
  const { selector } = pool.object
  const container = mode === 'PoolOnly' ? undefined : containerName
  if (selector.kind !== 'labels' || typeof serviceAccountName !== 'string' || typeof container === 'object')
    return { spiffeId: id, identity: undefined }
  return {
    spiffeId: id,
    identity: composeIdentity({
      namespace,
      mode,
      spiffeId: id,
      poolGroup: pool.resource.group,
      serviceAccountName,
      pods: selector.pods,
      container,
    }),
  }
}

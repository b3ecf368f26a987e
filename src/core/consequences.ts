import { foreseeBy, outlookOf, type Outlook } from './appraise.ts'
import type { Binding } from './binding.ts'
import { collisionOver } from './checks/collision.ts'
import { identityByStake } from './evaluate.ts'
import { candidatePools, type World } from './facts.ts'
import type { Finding } from './findings.ts'
import type { Identity } from './identity.ts'
import { field, isObject, objectOr } from './json.ts'
import { Overlay, type IndexedWorld } from './overlay.ts'
import { decodeObjective, decodePool, type Objective, type Pool } from './references.ts'
import type { Resource } from './resources.ts'
import { hasLabels } from './selectors.ts'

/** A pool or an objective that is created, changed or deleted. */
export type ReferenceChange = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  /** The object in the request; undefined for a deletion. */
  readonly object: unknown
}

/** What a change does to a binding. */
export type Consequence = { readonly binding: Binding } & (
  | {
      /** The binding would have no identity, for a reason for which a binding is refused. */
      readonly kind: 'harm'
      readonly finding: Finding
    }
  | {
      /** The binding would lose the identity that it has, for any other reason. */
      readonly kind: 'loss'
      readonly finding: Finding
    }
  | {
      /** The binding's identity would be given to other pods than before. */
      readonly kind: 'otherPods'
      readonly spiffeId: string
      readonly before: readonly string[]
      readonly after: readonly string[]
    }
)

/**
 * The consequences of a change of a pool or an objective for the bindings of its namespace, in the order of their
 * names. Only new harm counts: a failure that existed before, with the same reason and (of a collision) the same key,
 * is not caused by this change.
 *
 * A generator of single steps, so that thousands of bindings can be judged without keeping the event loop; the last
 * value is the result.
 */
export function* judgeChange(
  change: ReferenceChange,
  now: IndexedWorld,
): Generator<undefined, readonly Consequence[]> {
  const { resource, namespace, name } = change
  const users = now.usersOf(resource, namespace, name).filter(({ deleting }) => !deleting)
  if (users.length === 0) return []
  const then = worldAfter(change, now)
  const outlooks = new Map<string, Outlook>()
  for (const user of users) {
    const outlook = outlookOf(user, then)
    then.setBinding(user, outlook.stake)
    outlooks.set(user.name, outlook)
    yield
  }
  const found: Consequence[] = []
  const seen = new Set<string>()
  for (const user of users) {
    const own = outlooks.get(user.name) ?? outlookOf(user, then)
    for (const binding of [user, ...rivalsOf(own, then)]) {
      if (seen.has(binding.name)) continue
      seen.add(binding.name)
      const outlook = outlooks.get(binding.name) ?? outlookOf(binding, then)
      const consequence = compare(outlook, now)
      if (consequence) found.push(consequence)
      yield
    }
  }
  return found.toSorted((a, b) => (a.binding.name < b.binding.name ? -1 : 1))
}

/** Runs a generator to its end and returns its result. */
export function finish<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

function worldAfter({ resource, namespace, name, object }: ReferenceChange, now: IndexedWorld): Overlay {
  const then = new Overlay(now, namespace)
  // A request to create or change an object proves that its kind is served.
  if (object !== undefined) then.setServed(resource)
  setTarget(then, resource, namespace, name, object)
  return then
}

/** What a world has of a pool or an objective, as `setTarget` would be given it. */
export const targetIn = (
  world: World,
  resource: Resource,
  namespace: string,
  name: string,
): Pool | Objective | undefined =>
  resource.kind === 'InferencePool'
    ? world.pool(resource, namespace, name)
    : world.objective(resource, namespace, name)

/** Sets a pool or an objective of a world by the object in a request; undefined removes it. */
export function setTarget(
  world: Overlay,
  resource: Resource,
  namespace: string,
  name: string,
  object: unknown,
): void {
  const spec = isObject(object) ? field(objectOr(object), 'spec') : undefined
  if (resource.kind === 'InferencePool')
    world.setPool(resource, name, object === undefined ? undefined : decodePool(spec))
  else world.setObjective(resource, name, object === undefined ? undefined : decodeObjective(spec, namespace))
}

/** Bindings that do not use the object, but can lose their identity by a collision with one that does. */
function rivalsOf({ stake: { identity, latent } }: Outlook, then: Overlay): readonly Binding[] {
  return [...(identity?.collisionKey === undefined ? [] : [identity.collisionKey]), ...latent].flatMap(
    (key) => then.possibleHolders(key),
  )
}

function compare(outlook: Outlook, now: IndexedWorld): Consequence | undefined {
  const { binding } = outlook.facts
  const { evaluation, stake, findings } = foreseeBy(outlook)
  const harms = stake.isSound ? findings.filter(isHarm) : []
  const harm = harms.find((one) => !wasThere(one, binding, now))
  if (harm) return { kind: 'harm', binding, finding: harm }
  const had = identityByStake(binding, now.stakeOf(binding), now)
  if (!had) return undefined
  const [finding] = evaluation.findings
  return finding ? { kind: 'loss', binding, finding } : otherPods(binding, had, evaluation.identity)
}

const isHarm = ({ rule }: Finding): boolean => rule === 'invalidPoolSelector' || rule === 'identityCollision'

/**
 * Whether a binding has a harm already. Looks only at what can cause this one harm: to evaluate the binding in full would double
 * the time of a change that concerns thousands.
 */
function wasThere({ rule, collisionKey }: Finding, binding: Binding, now: IndexedWorld): boolean {
  if (rule === 'invalidPoolSelector')
    return candidatePools(binding, now).some(({ object }) => object.selector.kind === 'unusable')
  const { identity, latent } = now.stakeOf(binding)
  if (collisionKey === undefined) return false
  const isClaimed = identity?.collisionKey === collisionKey || latent.includes(collisionKey)
  return isClaimed && collisionOver(collisionKey, binding, now.possibleHolders(collisionKey)) !== undefined
}

/** That a binding gives its identity to other pods than before. To select fewer of the same pods is nothing to tell. */
function otherPods(binding: Binding, was: Identity, is: Identity | undefined): Consequence | undefined {
  if (!is || hasLabels(is.pods.labels, was.pods.labels)) return undefined
  return {
    kind: 'otherPods',
    binding,
    spiffeId: is.spiffeId,
    before: was.pods.pairs,
    after: is.pods.pairs,
  }
}

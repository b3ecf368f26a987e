/**
 * Everything that admission finds about a binding: what the loop would find, what later objects could make of it, and
 * advice.
 */
import { advise } from './advice.ts'
import type { Binding } from './binding.ts'
import { collisionOver, isRival } from './checks/collision.ts'
import { unsafePool } from './checks/pool.ts'
import { evaluate, evaluateFacts, ownFindings, stakeIn, type Evaluation, type Stake } from './evaluate.ts'
import { gather, type Facts, type World } from './facts.ts'
import { byRule, finding, type Finding } from './findings.ts'
import { byBytes } from './names.ts'
import { nameAtMost, show } from './show.ts'

export type Appraisal = {
  /** What the loop would find now. */
  readonly evaluation: Evaluation
  readonly stake: Stake
  /** The failures and then the advice, each in the order of the checks. */
  readonly findings: readonly Finding[]
}

export function appraise(binding: Binding, world: World): Appraisal {
  const foreseen = foresee(binding, world)
  const { evaluation, findings } = foreseen
  const advice = advise(binding, { findings, identity: evaluation.identity }, world)
  return { ...foreseen, findings: [...findings, ...advice] }
}

/**
 * The failures that a binding has now, and those that it could get from objects that already exist. A reference
 * without a group is judged for every object that it can lead to, and collisions are sought among all bindings that
 * could come to hold the same key. So a set of objects that is refused in one order of creation is refused in every
 * order.
 */
export const foresee = (binding: Binding, world: World): Appraisal => foreseeBy(outlookOf(binding, world))

/** What follows from a binding and its references alone, before other bindings are looked at. */
export type Outlook = {
  readonly facts: Facts
  /** The findings of the binding's own checks. */
  readonly own: readonly Finding[]
  readonly stake: Stake
}

export function outlookOf(binding: Binding, world: World): Outlook {
  const facts = gather(binding, world)
  const own = ownFindings(facts)
  return { facts, own, stake: stakeIn(facts, own) }
}

/** @param outlook made from a world with the same pools and objectives */
export function foreseeBy({ facts, own, stake }: Outlook): Appraisal {
  const evaluation = evaluateFacts(facts, own)
  const collisions = collisionsOf(facts, evaluation, stake)
  const pending = pendingCollision(facts, evaluation, stake, collisions.peers)
  const findings = [
    ...evaluation.findings.filter(({ rule }) => rule !== 'identityCollision'),
    ...shadowedPools(facts),
    ...collisions.findings,
    ...(pending ? [pending] : []),
  ]
  return { evaluation, stake, findings: findings.toSorted(byRule) }
}

/** Findings on unusable pools that the reference would lead to if the pool that it leads to now were deleted. */
function shadowedPools({ pool, pools }: Facts): readonly Finding[] {
  if (pool.kind !== 'found') return []
  return pools.flatMap(({ resource, object: { selector } }) =>
    resource === pool.resource || selector.kind === 'labels'
      ? []
      : unsafePool(
          pool.name,
          ` without a group can lead to the InferencePool of group ${resource.group} too, whose ${selector.problem}`,
        ),
  )
}

function collisionsOf(
  { binding, world }: Facts,
  { identity }: Evaluation,
  { latent }: Stake,
): { readonly findings: readonly Finding[]; readonly peers: ReadonlySet<string> } {
  const held = identity?.collisionKey
  const peers = new Set<string>()
  const findings = [...(held === undefined ? [] : [held]), ...latent].flatMap((collisionKey) => {
    const others = world.possibleHolders(collisionKey)
    for (const { name } of others) peers.add(name)
    return collisionOver(collisionKey, binding, others) ?? []
  })
  return { findings, peers }
}

/** Failures that end when a missing object is created. */
const waitingRules: ReadonlySet<Finding['rule']> = new Set([
  'inferencePoolCrdMissing',
  'targetPoolNotFound',
  'inferenceObjectiveCrdMissing',
  'targetObjectiveNotFound',
  'objectiveOfAnotherPool',
])

/** Whether a binding waits for an object that its references name. */
export const waits = ({ findings }: Evaluation): boolean =>
  findings.some(({ rule }) => waitingRules.has(rule))

/**
 * The key that a review claims for a binding, because only one binding may have it: its collision key or, while it has none,
 * its container reference.
 */
export const keyToClaim = ({ evaluation, stake }: Appraisal): string | undefined =>
  evaluation.identity?.collisionKey ?? (waits(evaluation) ? stake.containerRef : undefined)

/**
 * The failure of a binding for whose container other bindings ask by the same references. They collide as soon as the objects that they
 * wait for exist. Refusing the binding now is better than refusing an objective then.
 */
function pendingCollision(
  { binding, world }: Facts,
  evaluation: Evaluation,
  { containerRef }: Stake,
  colliding: ReadonlySet<string>,
): Finding | undefined {
  if (containerRef === undefined) return undefined
  const others = world
    .sharingContainer(containerRef)
    .filter((other) => isRival(binding, other) && !colliding.has(other.name))
  const waiting = waits(evaluation) ? others : others.filter((other) => waits(evaluate(other, world)))
  if (waiting.length === 0) return undefined
  const peers = waiting.map(({ name }) => name)
  return pendingOver(containerRef, binding, peers)
}

/** The failure of a binding whose container other bindings ask for by the same references. */
export function pendingOver(containerRef: string, { spec }: Binding, peers: readonly string[]): Finding {
  const named = peers.toSorted(byBytes).slice(0, nameAtMost)
  const names = [...named, ...(peers.length > nameAtMost ? ['others'] : [])].join(', ')
  const [ask, they, all] = peers.length > 1 ? ['ask', 'they', 'all'] : ['asks', 'both', 'both']
  const field = 'spec.containerName'
  return {
    ...finding(
      'pendingCollision',
      { field, cause: 'Duplicate', value: spec.containerName },
      `${field} ${show(spec.containerName)}: ${names} ${ask} for the same container of the same pool and service account, and once all that ${they} refer to is there, ${all} would lose their identity`,
    ),
    collisionKey: containerRef,
  }
}

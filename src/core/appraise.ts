/** All that admission has to say of a binding: what the loop would find, what could come of it, and advice. */
import { advise } from './advice.ts'
import type { Binding } from './binding.ts'
import { collisionOver, isRival } from './checks/collision.ts'
import { unsafePool } from './checks/pool.ts'
import { evaluate, evaluateFacts, judgeOwn, stakeIn, type Evaluation, type Stake } from './evaluate.ts'
import { candidatePools, gather, type Facts, type World } from './facts.ts'
import { byRule, finding, type Finding } from './findings.ts'
import { byBytes } from './names.ts'
import { show } from './show.ts'

export type Appraisal = {
  /** What the loop would find. */
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
 * The failures that a binding has, or comes to have by what is there already. A reference without a group is judged for
 * every object that it can lead to, and a collision among all who can come to hold a key; so whatever is refused is
 * refused in every order in which the same objects are created.
 */
export function foresee(binding: Binding, world: World): Appraisal {
  const facts = gather(binding, world)
  const own = judgeOwn(facts)
  const evaluation = evaluateFacts(facts, own)
  const stake = stakeIn(facts, own)
  const collisions = collisionsOf(facts, evaluation, stake)
  const findings = [
    ...evaluation.findings.filter(({ rule }) => rule !== 'identityCollision'),
    ...shadowedPools(facts),
    ...collisions.findings,
    ...(pendingCollision(facts, evaluation, stake, collisions.peers) ?? []),
  ]
  return { evaluation, stake, findings: findings.toSorted(byRule) }
}

/** Pools that can't be used and that the reference leads to once the one that it takes is gone. */
function shadowedPools(facts: Facts): readonly Finding[] {
  const { pool } = facts
  if (pool.kind !== 'found') return []
  return candidatePools(facts).flatMap(({ resource, object: { selector } }) =>
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
    const others = [...world.claimants(collisionKey)]
    for (const { name } of others) peers.add(name)
    return collisionOver(collisionKey, binding, others) ?? []
  })
  return { findings, peers }
}

/** Why a binding or its peer has no identity yet, which an object that comes later ends. */
const waitingRules: ReadonlySet<Finding['rule']> = new Set([
  'inferencePoolCrdMissing',
  'targetPoolNotFound',
  'inferenceObjectiveCrdMissing',
  'targetObjectiveNotFound',
  'objectiveOfAnotherPool',
])

/** Whether a binding waits for something that its references are to lead to. */
export const waits = ({ findings }: Evaluation): boolean =>
  findings.some(({ rule }) => waitingRules.has(rule))

/** What a binding is to be the only one to ask for: its collision key, or what it asks for while it has none. */
export const claimOf = ({ evaluation, stake }: Appraisal): string | undefined =>
  evaluation.identity?.collisionKey ?? (waits(evaluation) ? stake.reference : undefined)

/** Peers that a message names: it is no format that anybody parses. */
const nameAtMost = 10

/**
 * Two bindings that ask for one container by the same reference collide as soon as all is there that both wait for. That
 * is better said now, of the binding, than then, of an objective.
 */
function pendingCollision(
  { binding, world }: Facts,
  evaluation: Evaluation,
  { reference }: Stake,
  colliding: ReadonlySet<string>,
): readonly Finding[] | undefined {
  if (reference === undefined) return undefined
  const others = [...world.sharing(reference)].filter(
    (other) => isRival(binding, other) && !colliding.has(other.name),
  )
  const waiting = waits(evaluation) ? others : others.filter((other) => waits(evaluate(other, world)))
  if (waiting.length === 0) return undefined
  return [
    pendingOver(
      reference,
      binding,
      waiting.map(({ name }) => name),
    ),
  ]
}

/** Refuses a binding the container of its pool, for others that ask for it by the same reference. */
export function pendingOver(reference: string, { spec }: Binding, peers: readonly string[]): Finding {
  const named = peers.toSorted(byBytes).slice(0, nameAtMost)
  const names = [...named, ...(peers.length > nameAtMost ? ['others'] : [])].join(', ')
  const field = 'spec.containerName'
  return {
    ...finding(
      'pendingCollision',
      { field, cause: 'Duplicate', value: spec.containerName },
      `${field} ${show(spec.containerName)}: ${names} asks for the same container of the same pool and service account, and once all that both refer to is there, both would lose their identity`,
    ),
    collisionKey: reference,
  }
}

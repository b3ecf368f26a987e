import type { Binding } from './binding.ts'
import { collisionOver, keyIsFree } from './checks/collision.ts'
import { selectorsStayHome, spiffeIdIsValid } from './checks/identity.ts'
import {
  objectiveBelongsToPool,
  objectiveExists,
  objectiveKindIsServed,
  objectiveRefIsGiven,
  objectiveRefIsUsable,
} from './checks/objective.ts'
import { outputKindIsServed } from './checks/output.ts'
import { poolExists, poolKindIsServed, poolRefIsUsable, poolSelectorIsSafe } from './checks/pool.ts'
import {
  containerIsNamed,
  containerIsUnexpected,
  modeIsSupported,
  serviceAccountIsNamed,
} from './checks/spec.ts'
import { gather, type Check, type Facts, type World } from './facts.ts'
import type { Finding } from './findings.ts'
import type { Identity } from './identity.ts'
import { latentKeys, referenceOf } from './latent.ts'
import { clusterSpiffeIdResource } from './resources.ts'

type Row = readonly [check: Check, ...needs: readonly Check[]]

/** What concerns the binding and its references alone, in the order that counts, each with what it needs. */
const ownChecks: readonly Row[] = [
  [poolRefIsUsable],
  [poolKindIsServed, poolRefIsUsable],
  [poolExists, poolKindIsServed],
  [objectiveRefIsUsable],
  [objectiveRefIsGiven],
  [objectiveKindIsServed, objectiveRefIsUsable],
  [objectiveExists, objectiveKindIsServed],
  [objectiveBelongsToPool, poolExists, objectiveExists],
  [poolSelectorIsSafe, poolExists],
  [modeIsSupported],
  [serviceAccountIsNamed],
  [containerIsNamed, modeIsSupported],
  [containerIsUnexpected, modeIsSupported],
  [selectorsStayHome, poolSelectorIsSafe, serviceAccountIsNamed, containerIsNamed, containerIsUnexpected],
  [spiffeIdIsValid, poolExists, objectiveRefIsGiven, objectiveExists],
]

/** Of those, what a binding shows by itself: no other object can mend or break it. */
const soundness: readonly Check[] = [
  poolRefIsUsable,
  objectiveRefIsUsable,
  objectiveRefIsGiven,
  modeIsSupported,
  serviceAccountIsNamed,
  containerIsNamed,
  containerIsUnexpected,
]

export type Evaluation = {
  /** Every failed check whose needs hold, in order. The loop reports the first. */
  readonly findings: readonly Finding[]
  /** What the binding stands for, once nothing of its own is against it. */
  readonly identity: Identity | undefined
}

/**
 * Decides about one binding. Pure and total: any binding that `decodeBinding` returns gets an evaluation. Beside
 * its own checks come those on others: its key must be free, and the kind of its output served. What is left,
 * `managedOutputApplyFailed`, is what happens when the outcome is written.
 */
export const evaluate = (binding: Binding, world: World): Evaluation => evaluateFacts(gather(binding, world))

/** @param own what `judgeOwn` says of these facts */
export function evaluateFacts(facts: Facts, own = judgeOwn(facts)): Evaluation {
  const identity = own.findings.length === 0 ? facts.identity : undefined
  const others = [identity && keyIsFree(facts), outputKindIsServed(facts)]
  return { identity, findings: [...own.findings, ...others.flatMap((found) => found ?? [])] }
}

/** What a binding stands for, whoever else may claim the same. */
export function identityOf(binding: Binding, world: World): Identity | undefined {
  const facts = gather(binding, world)
  return judgeOwn(facts).findings.length === 0 ? facts.identity : undefined
}

/** What a binding has and could come to have, whoever else may claim the same: all that an index needs to know of it. */
export type Stake = {
  readonly identity: Identity | undefined
  /** Whether nothing but other objects can keep it from an identity. */
  readonly isSound: boolean
  /** The collision keys that it would hold if one object that it refers to were not there, beside the one it holds. */
  readonly latent: readonly string[]
  /** What it asks for by reference; PerObjective alone, as PoolOnly bindings never collide. */
  readonly reference: string | undefined
}

/** The stake of a binding that is being deleted. */
export const noStake: Stake = { identity: undefined, isSound: false, latent: [], reference: undefined }

export const stakeOf = (binding: Binding, world: World): Stake => stakeIn(gather(binding, world))

/** @param own what `judgeOwn` says of these facts */
export function stakeIn(facts: Facts, { findings, passed } = judgeOwn(facts)): Stake {
  const identity = findings.length === 0 ? facts.identity : undefined
  if (!soundness.every((check) => passed.has(check))) return noStake
  return {
    identity,
    isSound: true,
    latent: latentKeys(facts, identity?.collisionKey),
    reference: referenceOf(facts.binding),
  }
}

/**
 * The identity that a binding has, as the loop would find it, by a stake that is known already: to evaluate thousands
 * takes time.
 */
export function settledIdentity(binding: Binding, { identity }: Stake, world: World): Identity | undefined {
  const key = identity?.collisionKey
  const isRefused = key !== undefined && collisionOver(key, binding, world.holders(key)) !== undefined
  return isRefused || !world.isServed(clusterSpiffeIdResource) ? undefined : identity
}

const listOf = (found: ReturnType<Check>): readonly Finding[] =>
  found === undefined ? [] : 'rule' in found ? [found] : found

const inOrder = ownChecks.map(([check, ...needs]) => ({ check, needs }))

/** The checks that concern the binding and its references alone. */
export function judgeOwn(facts: Facts): {
  readonly findings: readonly Finding[]
  readonly passed: ReadonlySet<Check>
} {
  const passed = new Set<Check>()
  const findings: Finding[] = []
  for (const { check, needs } of inOrder) {
    if (!needs.every((need) => passed.has(need))) continue
    const found = listOf(check(facts))
    if (found.length === 0) passed.add(check)
    else findings.push(...found)
  }
  return { findings, passed }
}

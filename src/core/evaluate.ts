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
import { latentKeys, containerRefOf } from './latent.ts'
import { clusterSpiffeIdResource } from './resources.ts'
import { isOfTheSpec } from './spec-failures.ts'

type CheckRow = readonly [check: Check, ...needs: readonly Check[]]

/**
 * The checks on a binding and its references alone, in the order in which failures count, each with the checks that
 * must have passed before it.
 */
const ownChecks: readonly CheckRow[] = [
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

/**
 * A set of checks: bit i is set for the check of row i. It is a number instead of a Set, because thousands of bindings are
 * judged at once.
 */
const setOf = (checks: readonly Check[]): number => checks.reduce((set, check) => set | bitOf(check), 0)

function bitOf(check: Check): number {
  const row = ownChecks.findIndex(([one]) => one === check)
  if (row === -1) throw new Error(`${check.name} is needed by a check and has no row of its own`)
  return 1 << row
}

export type Evaluation = {
  /** Every failed check whose needs hold, in order. The loop reports the first. */
  readonly findings: readonly Finding[]
  /** The binding's identity; undefined if one of its own checks fails. */
  readonly identity: Identity | undefined
}

/**
 * Decides about one binding. Pure and total: any binding that `decodeBinding` returns gets an evaluation. After its
 * own checks come those on others: no other binding may hold its collision key, and the kind of its output must be
 * served. The one failure that is not found here, `managedOutputApplyFailed`, shows when the output is written.
 */
export const evaluate = (binding: Binding, world: World): Evaluation => evaluateFacts(gather(binding, world))

/** @param own the findings of its own checks on these facts */
export function evaluateFacts(facts: Facts, own = ownFindings(facts)): Evaluation {
  const identity = own.length === 0 ? facts.identity : undefined
  const others = [identity && keyIsFree(facts), outputKindIsServed(facts)]
  return { identity, findings: [...own, ...others.flatMap((found) => found ?? [])] }
}

/**
 * What an index needs to know about a binding: the identity that it has and the keys that it could come to hold,
 * without regard to collisions.
 */
export type Stake = {
  readonly identity: Identity | undefined
  /** True if its spec is valid by itself, so that only other objects can keep it from an identity. */
  readonly isSound: boolean
  /** The collision keys, beside the one it holds, that it would hold if an object that it refers to did not exist. */
  readonly latent: readonly string[]
  /**
   * The container that it asks for, told by the references in its spec, whether or not they lead to anything; only of
   * PerObjective bindings, because PoolOnly ones never collide.
   */
  readonly containerRef: string | undefined
}

/** The stake of a binding that is being deleted. */
export const noStake: Stake = { identity: undefined, isSound: false, latent: [], containerRef: undefined }

export const stakeOf = (binding: Binding, world: World): Stake => stakeIn(gather(binding, world))

/** @param own the findings of its own checks on these facts */
export function stakeIn(facts: Facts, own = ownFindings(facts)): Stake {
  const identity = own.length === 0 ? facts.identity : undefined
  if (own.some(({ rule }) => isOfTheSpec(rule))) return noStake
  return {
    identity,
    isSound: true,
    latent: latentKeys(facts, identity?.collisionKey),
    containerRef: containerRefOf(facts.binding),
  }
}

/**
 * The identity that the loop would find for a binding, by its known stake. Evaluating thousands of bindings anew
 * would take too long.
 */
export function identityByStake(binding: Binding, { identity }: Stake, world: World): Identity | undefined {
  const key = identity?.collisionKey
  const isRefused = key !== undefined && collisionOver(key, binding, world.holders(key)) !== undefined
  return isRefused || !world.isServed(clusterSpiffeIdResource) ? undefined : identity
}

const listOf = (found: ReturnType<Check>): readonly Finding[] =>
  found === undefined ? nothing : 'rule' in found ? [found] : found

const nothing: readonly Finding[] = []

const inOrder = ownChecks.map(([check, ...needs]) => ({ check, itself: setOf([check]), needs: setOf(needs) }))

/** Runs the checks on the binding and its references alone. */
export function ownFindings(facts: Facts): readonly Finding[] {
  let passed = 0
  const findings: Finding[] = []
  for (const { check, itself, needs } of inOrder) {
    if ((passed & needs) !== needs) continue
    const found = listOf(check(facts))
    if (found.length === 0) passed |= itself
    else findings.push(...found)
  }
  return findings
}

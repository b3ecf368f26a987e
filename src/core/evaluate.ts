import type { Binding } from './binding.ts'
import { keyIsFree } from './checks/collision.ts'
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
export function evaluate(binding: Binding, world: World): Evaluation {
  const facts = gather(binding, world)
  const own = judgeOwn(facts)
  const identity = own.length === 0 ? facts.identity : undefined
  const others = [identity && keyIsFree(facts), outputKindIsServed(facts)]
  return { identity, findings: [...own, ...others.flatMap((found) => found ?? [])] }
}

/** What a binding stands for, whoever else may claim the same: all that an index needs to know of it. */
export function identityOf(binding: Binding, world: World): Identity | undefined {
  const facts = gather(binding, world)
  return judgeOwn(facts).length === 0 ? facts.identity : undefined
}

const listOf = (found: ReturnType<Check>): readonly Finding[] =>
  found === undefined ? [] : 'rule' in found ? [found] : found

const inOrder = ownChecks.map(([check, ...needs]) => ({ check, needs }))

function judgeOwn(facts: Facts): readonly Finding[] {
  const passed = new Set<Check>()
  const findings: Finding[] = []
  for (const { check, needs } of inOrder) {
    if (!needs.every((need) => passed.has(need))) continue
    const found = listOf(check(facts))
    if (found.length === 0) passed.add(check)
    else findings.push(...found)
  }
  return findings
}

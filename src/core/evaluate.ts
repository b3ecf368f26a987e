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
import { gather, type Check, type World } from './facts.ts'
import type { Finding } from './findings.ts'
import type { Identity } from './identity.ts'

/** What concerns the binding and its references alone: 1 to 15 of the contract, each with what it needs. */
const ownChecks: readonly (readonly [check: Check, ...needs: readonly Check[]])[] = [
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
  /** Every failed check whose needs hold, in the contract's order. The loop reports the first. */
  readonly findings: readonly Finding[]
  /** What the binding stands for, once nothing of its own is against it (1 to 15). */
  readonly identity: Identity | undefined
}

/**
 * Decides about one binding, in the order of the contract's checks. Pure and total: any binding that
 * `decodeBinding` returns gets an evaluation. Number 18 is what happens when the outcome is written.
 */
export function evaluate(binding: Binding, world: World): Evaluation {
  const facts = gather(binding, world)
  const passed = new Set<Check>()
  const findings: Finding[] = []
  for (const [check, ...needs] of ownChecks) {
    if (!needs.every((need) => passed.has(need))) continue
    const found = [check(facts) ?? []].flat()
    if (found.length === 0) passed.add(check)
    findings.push(...found)
  }
  const identity = findings.length === 0 ? facts.identity : undefined
  if (identity) findings.push(...[keyIsFree(facts) ?? []].flat())
  findings.push(...[outputKindIsServed(facts) ?? []].flat())
  return { findings, identity }
}

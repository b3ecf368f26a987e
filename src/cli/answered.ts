/**
 * Bindings that stand before the pools and objectives that they name. A review warns that such an object is missing. If the
 * object comes later in the input, that warning is no finding; what the review would have found with the object there is one.
 */
import { findingsOn, isDenied } from '../core/admit.ts'
import { byRule } from '../core/findings.ts'
import type { Inventory } from '../core/inventory.ts'
import { bindingResource } from '../core/resources.ts'
import {
  isSameHarm,
  judge,
  lenient,
  verdictOf,
  type ActionOverrides,
  type JudgedFinding,
  type Verdict,
} from '../core/verdict.ts'
import { workloadRules } from '../core/workloads.ts'
import type { Admitted } from './admissions.ts'
import type { Manifest } from './manifests.ts'

/** The verdict on a binding, and the warnings of its review that later objects of the input answer. */
export type Answered = { readonly verdict: Verdict; readonly answered: readonly JudgedFinding[] }

type World = {
  /** The cluster with everything that was admitted. */
  readonly admitted: Inventory
  /** A new inventory of the cluster and these objects. */
  readonly inventoryWith: (manifests: readonly Manifest[]) => Inventory
  readonly overrides: ActionOverrides
}

/** The verdicts on bindings some of whose warnings are answered; all other verdicts are those of their reviews. */
export function answeredIn(
  admissions: readonly Admitted[],
  { admitted, inventoryWith, overrides }: World,
): ReadonlyMap<Admitted, Answered> {
  const answers = new Map(admissions.flatMap((one) => answersTo(one, admitted)))
  if (answers.size === 0) return new Map()
  const stored = admissions.filter(isStored).flatMap(({ stored: manifest }) => manifest ?? [])
  const world = inventoryWith(stored.filter(({ resource }) => resource !== bindingResource))
  const found = new Map<Admitted, Answered>()
  for (const one of admissions) {
    const { admission, stored: manifest } = one
    if (admission.kind !== 'binding') continue
    const { binding, verdict } = admission
    const answered = answers.get(one)
    if (answered) {
      const left = verdict.findings.filter((finding) => !answered.includes(finding))
      const then = judge(findingsOn(binding, world), [], overrides)
      found.set(one, { verdict: verdictOf([...left, ...newsOf(then, verdict)].toSorted(byRule)), answered })
    }
    if (manifest && isStored(one))
      world.apply({ kind: 'upserted', resource: bindingResource, object: manifest.object })
  }
  return found
}

const isStored = ({ isNamed, admission }: Admitted): boolean => isNamed && !isDenied(admission)

function answersTo(
  one: Admitted,
  admitted: Inventory,
): readonly (readonly [Admitted, readonly JudgedFinding[]])[] {
  const { admission } = one
  if (admission.kind !== 'binding') return []
  const missing = admission.verdict.findings.filter(isMissing)
  if (missing.length === 0) return []
  const still = findingsOn(admission.binding, admitted)
  const answered = missing.filter((finding) => !still.some((later) => isSameHarm(later, finding)))
  return answered.length > 0 ? [[one, answered]] : []
}

const isMissing = ({ rule, action, cause }: JudgedFinding): boolean =>
  action === 'warn' && cause === 'NotFound' && !workloadRules.includes(rule)

/**
 * What is found of a binding once its pool and objective are there, and was not said in its review. A binding that was let in is
 * only warned of: what it would have been refused for, the object that completes it is judged by.
 */
function newsOf(then: Verdict, reviewed: Verdict): readonly JudgedFinding[] {
  const { findings } = reviewed.verdict === 'deny' ? then : lenient(then)
  return findings.filter(
    (finding) =>
      !reviewed.findings.some((earlier) => isSameHarm(earlier, finding)) &&
      !(reviewed.verdict === 'deny' && finding.action === 'deny'),
  )
}

/** Warnings about a binding beside its findings. */
import { bindingKey, replacesAnnotation, type Binding } from '../core/binding.ts'
import { isRival } from '../core/checks/collision.ts'
import { evaluate, stakeOf, type Stake } from '../core/evaluate.ts'
import type { World } from '../core/facts.ts'
import type { Finding } from '../core/findings.ts'
import { sameJson } from '../core/json.ts'
import { byBytes } from '../core/names.ts'
import { areOneRenamed } from '../core/rename.ts'
import { show } from '../core/show.ts'
import type { JudgedFinding } from '../core/verdict.ts'

/** How many bindings are named one by one; the others are counted. */
export const nameAtMost = 10

/** What to do about a collision. The message of a collision can't say it, because other tools parse that message. */
export const collisionAdvice = (findings: readonly JudgedFinding[]): readonly string[] =>
  findings.some(({ rule, action }) => action === 'deny' && isCollision(rule))
    ? [
        `spec.containerName: give this binding, or the one that the refusal names, another container, pool or service account; or, if this binding is only a new name for that one, set its annotation ${replacesAnnotation} to the name of that one`,
      ]
    : []

const isCollision = (rule: Finding['rule']): boolean =>
  rule === 'identityCollision' || rule === 'pendingCollision'

/** Names the bindings that lose their identity by a collision that is let through. */
export function victims(
  binding: Binding,
  findings: readonly JudgedFinding[],
  world: World,
): readonly string[] {
  const keys = findings.flatMap(({ rule, action, collisionKey }) =>
    rule === 'identityCollision' && action !== 'deny' && collisionKey !== undefined ? [collisionKey] : [],
  )
  const names = keys
    .flatMap((key) => world.holders(key))
    .filter((peer) => isRival(binding, peer) && evaluate(peer, world).findings.length === 0)
    .map(({ name }) => name)
    .toSorted(byBytes)
  return counted(
    names.map((name) => `InferenceIdentityBinding ${name} loses its identity by this collision`),
    (rest) => `${rest} more InferenceIdentityBindings lose their identity by this collision`,
  )
}

/** The first lines, and one that counts the others. */
export function counted(lines: readonly string[], more: (rest: number) => string): readonly string[] {
  const rest = lines.length - nameAtMost
  return rest > 0 ? [...lines.slice(0, nameAtMost), more(rest)] : lines
}

/**
 * What the annotation `kleym.sonda.red/replaces` of a binding will do; empty if the binding that it names does not
 * exist.
 */
export function renaming(binding: Binding, stake: Stake, world: World): readonly string[] {
  const { namespace, replaces } = binding
  if (replaces === undefined) return []
  const other = world.binding(bindingKey(namespace, replaces))
  if (!other || other.deleting || replaces === binding.name) return []
  const field = `metadata.annotations[${replacesAnnotation}]: ${show(replaces)}`
  return areOneRenamed(binding, other) && isSameTarget(stake, stakeOf(other, world))
    ? [
        `${field}: this binding takes its place; both give the same identity to the same workloads until ${replaces} is deleted`,
      ]
    : [
        `${field}: has no effect, since that binding stands for another SPIFFE ID or other workloads; give both the same pool, objective, service account and container`,
      ]
}

/** Whether two bindings serve the same workloads, or will, by their references. */
const isSameTarget = (a: Stake, b: Stake): boolean =>
  a.identity && b.identity
    ? sameJson(a.identity.selectors, b.identity.selectors)
    : a.reference !== undefined && a.reference === b.reference

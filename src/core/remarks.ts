/** Warnings about a binding beside its findings. */
import { bindingKey, replacesAnnotation, type Binding } from './binding.ts'
import { isRival } from './checks/collision.ts'
import { evaluate, stakeOf, type Stake } from './evaluate.ts'
import type { World } from './facts.ts'
import { giveAnother, rules } from './findings.ts'
import { byBytes } from './names.ts'
import { isReplacement } from './rename.ts'
import { nameAtMost, show } from './show.ts'
import type { JudgedFinding, Verdict } from './verdict.ts'

/** A warning beside the findings. */
export type Remark = {
  /** A name for this kind of remark, for machines. */
  readonly reason: string
  readonly path: readonly string[]
  readonly field: string
  readonly value: unknown
  /** The whole warning, which begins with the field. */
  readonly line: string
  /** Of the annotation `replaces`: whether it has an effect. */
  readonly isEffective?: boolean
}

const replacement = 'Replacement'
const replaced = 'Replaced'

/** What admission says of a binding beside the findings of the verdict. `news` are those that were not there before. */
export const remarksOn = (
  binding: Binding,
  {
    verdict,
    news,
    stake,
  }: { readonly verdict: Verdict; readonly news: readonly JudgedFinding[]; readonly stake: Stake },
  world: World,
): readonly Remark[] => [
  ...renaming(binding, stake, world),
  ...(verdict.verdict === 'deny'
    ? []
    : [...takingPlace(binding, stake, world), ...losingPeers(binding, news, world)]),
]

/**
 * What to do about a collision of the binding under review. The message of a collision can't say it, because other tools parse that
 * message.
 *
 * @param remarks those on that binding
 */
export const collisionAdvice = (
  findings: readonly JudgedFinding[],
  binding: Pick<Binding, 'replaces'>,
  remarks: readonly Remark[],
): readonly string[] =>
  findings.some(isRefusedCollision) ? [`spec.containerName: ${collisionFix(binding, remarks)}`] : []

export const collisionFix = (binding: Pick<Binding, 'replaces'>, remarks: readonly Remark[]): string =>
  [giveAnother('the one that the refusal names'), ...renameAdvice(binding, remarks)].join('; or, ')

function renameAdvice(
  { replaces }: Pick<Binding, 'replaces'>,
  remarks: readonly Remark[],
): readonly string[] {
  const ifRenamed = `if this binding is only a new name for that one, set its annotation ${replacesAnnotation}`
  if (replaces === undefined) return [`${ifRenamed} to the name of that one`]
  const remark = remarks.find(isOnReplacement)
  if (!remark) return [`${ifRenamed}, which names ${show(replaces)}, to the name of that one`]
  // Otherwise the annotation has no effect, and the remark says what to do about that.
  return remark.isEffective === true
    ? [
        `since this binding takes the place of ${show(replaces)} and of no other one, delete the one that the refusal names first`,
      ]
    : []
}

const isOnReplacement = ({ reason }: Remark): boolean => reason === replacement

/**
 * What to do about collisions that a pool or an objective would complete.
 *
 * @param kind of that object
 */
export const completedAdvice = (
  kind: string,
  findings: readonly Pick<JudgedFinding, 'rule' | 'action'>[],
): readonly string[] => {
  const field = kind === 'InferencePool' ? 'spec.selector' : 'spec.poolRef'
  return findings.some(isRefusedCollision) ? [`${field}: ${completedFix(kind)}`] : []
}

export function completedFix(kind: string): string {
  const change = kind === 'InferencePool' ? 'this pool other labels' : 'this objective another pool'
  return `give ${change}, or all but one of the bindings that the refusal names another container or service account; or, if one of them is only a new name for another, set its annotation ${replacesAnnotation} to the name of that one`
}

export const isRefusedCollision = ({ rule, action }: Pick<JudgedFinding, 'rule' | 'action'>): boolean =>
  action === 'deny' && (rule === 'identityCollision' || rule === 'pendingCollision')

/** Names the bindings that lose their identity by a collision that is let through with a warning. */
function losingPeers(binding: Binding, findings: readonly JudgedFinding[], world: World): readonly Remark[] {
  const keys = findings.flatMap(({ rule, action, collisionKey }) =>
    rule === 'identityCollision' && action === 'warn' && collisionKey !== undefined ? [collisionKey] : [],
  )
  const names = keys
    .flatMap((key) => world.holders(key))
    .filter((peer) => isRival(binding, peer) && evaluate(peer, world).findings.length === 0)
    .map(({ name }) => name)
    .toSorted(byBytes)
  const lines = counted(
    names.map((name) => `InferenceIdentityBinding ${name} loses its identity by this collision`),
    (rest) => `${rest} more InferenceIdentityBindings lose their identity by this collision`,
  )
  const path = ['spec', 'containerName']
  return lines.map((line) => ({
    reason: rules.identityCollision.reason,
    path,
    field: path.join('.'),
    value: binding.spec.containerName,
    line,
  }))
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
function renaming(binding: Binding, stake: Stake, world: World): readonly Remark[] {
  const { namespace, replaces } = binding
  if (replaces === undefined) return []
  const other = world.binding(bindingKey(namespace, replaces))
  if (!other || other.deleting || replaces === binding.name) return []
  const field = `metadata.annotations[${replacesAnnotation}]`
  const isEffective = isReplacement(binding, stake, other, stakeOf(other, world))
  const effect = isEffective
    ? `this binding takes its place; both give the same identity to the same workloads until ${replaces} is deleted`
    : 'has no effect, since that binding stands for another SPIFFE ID or other workloads; give both the same pool, objective, service account and container'
  return [
    {
      reason: replacement,
      path: ['metadata', 'annotations', replacesAnnotation],
      field,
      value: replaces,
      line: `${field}: ${show(replaces)}: ${effect}`,
      isEffective,
    },
  ]
}

/**
 * The bindings that are annotated to replace the given one. They are let in beside it, and it beside them, so whoever makes it anew
 * while such an annotation is left from a rename has two bindings for one identity.
 */
function takingPlace(binding: Binding, stake: Stake, world: World): readonly Remark[] {
  const path = ['metadata', 'name']
  const field = path.join('.')
  return world
    .replacing(bindingKey(binding.namespace, binding.name))
    .filter((other) => !other.deleting && isReplacement(other, stakeOf(other, world), binding, stake))
    .map(({ name }) => name)
    .toSorted(byBytes)
    .map((name) => ({
      reason: replaced,
      path,
      field,
      value: binding.name,
      line: `${field}: ${show(binding.name)}: InferenceIdentityBinding ${name}, whose annotation ${replacesAnnotation} names this binding, takes its place; both give the same identity to the same workloads until one of them is deleted`,
    }))
}

import { appraise } from './appraise.ts'
import { bindingKey, decodeBinding, type Binding } from './binding.ts'
import { finish, judgeChange } from './consequences.ts'
import type { Finding } from './findings.ts'
import type { Known } from './overlay.ts'
import { judgeConsequences, type AdmissionActions, type ReferenceVerdict } from './reference-verdict.ts'
import { bindingResource, objectiveResources, poolResources, type Resource } from './resources.ts'
import { judge, type Verdict } from './verdict.ts'

/** An object that is created, or takes the place of one of its name. */
export type Applied = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly object: unknown
}

export type Admission =
  | { readonly kind: 'binding'; readonly binding: Binding; readonly verdict: Verdict }
  | { readonly kind: 'reference'; readonly verdict: ReferenceVerdict }
  /** Admission is not asked about it. */
  | { readonly kind: 'unasked' }

/**
 * What admission says of one object beside those that are there: all of it but the live reads and the claims, which are
 * for what a replica does not know. Pure.
 */
export function admit(
  { resource, namespace, name, object }: Applied,
  world: Known,
  actions: AdmissionActions,
): Admission {
  if (resource === bindingResource) {
    const binding = decodeBinding(object)
    const before = world.binding(bindingKey(namespace, name))
    const earlier = before ? findingsOn(before, world) : []
    return {
      kind: 'binding',
      binding,
      verdict: judge(findingsOn(binding, world), earlier, actions.overrides),
    }
  }
  // Of a kind that is not served there are no objects.
  const isReference = poolResources.includes(resource) || objectiveResources.includes(resource)
  if (!isReference || !world.isServed(resource)) return { kind: 'unasked' }
  const consequences = finish(judgeChange({ resource, namespace, name, object }, world))
  return { kind: 'reference', verdict: judgeConsequences(consequences, actions, true) }
}

export const isDenied = (admission: Admission): boolean =>
  admission.kind !== 'unasked' && admission.verdict.verdict === 'deny'

/** What is being deleted is past judging. */
export const findingsOn = (binding: Binding, world: Known): readonly Finding[] =>
  binding.deleting ? [] : appraise(binding, world).findings

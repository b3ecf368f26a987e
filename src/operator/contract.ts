/** Whether the installed CustomResourceDefinition of bindings is that of this operator's contract. */
import { field, isObject } from '../core/json.ts'
import { bindingResource } from '../core/resources.ts'
import { unreadFix } from '../core/unread.ts'
import type { KubeObject } from '../kube/reflector.ts'

const contractField = 'contract'

/** What `obstacleIn` needs of a whole CustomResourceDefinition, for the summary that is kept of it. */
export const contractSummary = (definition: KubeObject): { readonly [contractField]: string } => ({
  [contractField]: contractOf(definition),
})

/** Why bindings that may be there can't be read as what they are, so that nothing may follow from their absence. */
export function obstacleIn(definition: KubeObject | undefined, served: boolean): Obstacle | undefined {
  const contract = at(definition, 'summary', contractField)
  if (contract === 'bounded') return boundedContract
  if (contract === 'modeless') return modelessContract
  if (!definition || served) return undefined
  const versions = at(definition, 'spec', 'versions')
  const { version } = bindingResource
  const isMeant =
    Array.isArray(versions) && versions.some((one) => at(one, 'name') === version && at(one, 'served'))
  return isMeant ? notEstablished : notServed
}

const notServed =
  `the installed InferenceIdentityBinding CustomResourceDefinition does not serve v1alpha1, the version that this operator reads, so nothing is touched; ${unreadFix}` as const

const notEstablished =
  'the InferenceIdentityBinding CustomResourceDefinition is not established yet, so nothing is touched'

const boundedContract =
  'the installed InferenceIdentityBinding CustomResourceDefinition has spec.identityBoundary: it is that of a later contract, so nothing is touched; install the one of this operator'

const modelessContract =
  'the installed InferenceIdentityBinding CustomResourceDefinition has no spec.mode: it is that of another contract, so nothing is touched; install the one of this operator'

/** How loudly each is said: at every installation the kind is not established for a moment. */
export const obstacles = {
  [boundedContract]: 'error',
  [modelessContract]: 'error',
  [notServed]: 'warn',
  [notEstablished]: 'info',
} as const
export type Obstacle = keyof typeof obstacles

/**
 * Later versions of the former operator put other contracts under the same group and version. In v0.10 and v0.11 a spec has
 * no mode, and every binding is for the whole pool; v0.12 adds a required identityBoundary. A schema that names no fields
 * at all takes every spec.
 */
function contractOf(definition: KubeObject): 'ours' | 'bounded' | 'modeless' {
  const versions = at(definition, 'spec', 'versions')
  const specs = (Array.isArray(versions) ? versions : []).map((version: unknown) => ({
    name: at(version, 'name'),
    fields: at(version, 'schema', 'openAPIV3Schema', 'properties', 'spec', 'properties'),
  }))
  if (specs.some(({ fields }) => at(fields, 'identityBoundary') !== undefined)) return 'bounded'
  const { fields } = specs.find(({ name }) => name === bindingResource.version) ?? {}
  return isObject(fields) && at(fields, 'mode') === undefined ? 'modeless' : 'ours'
}

const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce((inner, name) => (isObject(inner) ? field(inner, name) : undefined), value)

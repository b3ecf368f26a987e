/** Manifests with defaults that fit together: a test says only what it is about. */
import { bindingKey, decodeBinding, type Binding } from '../../src/core/binding.ts'
import type { Change } from '../../src/core/change.ts'
import { render, type ClusterSpiffeId } from '../../src/core/clusterspiffeid.ts'
import { evaluate, type Evaluation } from '../../src/core/evaluate.ts'
import { rules, type Finding } from '../../src/core/findings.ts'
import type { Settings } from '../../src/core/identity.ts'
import { Inventory } from '../../src/core/inventory.ts'
import type { JsonObject } from '../../src/core/json.ts'
import type { AdmissionActions } from '../../src/core/reference-verdict.ts'
import {
  bindingResource,
  clusterSpiffeIdResource,
  gvk,
  objectiveResources,
  optionalResources,
  poolResources,
  type Resource,
} from '../../src/core/resources.ts'
import type { Unread } from '../../src/core/unread.ts'
import { resourceOf, type Manifest } from './vectors.ts'

/** What admission does where nothing is configured. */
export const defaultActions: AdmissionActions = { onReferences: 'deny', onLoss: 'warn', overrides: {} }

export const settings: Settings = { trustDomain: 'example.org', className: undefined }

type Common = {
  readonly name?: string
  readonly namespace?: string
  /** More metadata; what is undefined is left out. */
  readonly metadata?: JsonObject
}

/** `spec` replaces or, where undefined, removes fields of the default one. */
type WithSpec = Common & { readonly spec?: JsonObject }

/** A PerObjective binding to the default pool and objective. */
export const binding = ({ name = 'chat', namespace = 'default', metadata, spec }: WithSpec = {}): Manifest =>
  manifest(
    bindingResource,
    { name, namespace, uid: `uid-of-${name}`, generation: 1, ...metadata },
    {
      poolRef: { name: 'chat' },
      objectiveRef: { name: 'chat' },
      mode: 'PerObjective',
      serviceAccountName: 'server',
      containerName: 'main',
      ...spec,
    },
  )

export const poolOnly = ({ spec, ...rest }: WithSpec = {}): Manifest =>
  binding({
    ...rest,
    spec: { mode: 'PoolOnly', objectiveRef: undefined, containerName: undefined, ...spec },
  })

type Grouped = Common & {
  /** The group of one of the kinds of `resources.ts`; without it, the group that is tried first. */
  readonly group?: string | undefined
}

export const pool = ({
  name = 'chat',
  namespace = 'default',
  metadata,
  group,
  selector = { matchLabels: { app: 'chat' } },
}: Grouped & { readonly selector?: unknown } = {}): Manifest =>
  manifest(
    ofGroup(poolResources, group),
    { name, namespace, ...metadata },
    {
      selector,
      ...(group === 'inference.networking.x-k8s.io'
        ? { targetPortNumber: 8000, extensionRef: { name: 'picker' } }
        : { targetPorts: [{ number: 8000 }] }),
    },
  )

export const objective = ({
  name = 'chat',
  namespace = 'default',
  metadata,
  group,
  poolRef = { name: 'chat' },
}: Grouped & { readonly poolRef?: unknown } = {}): Manifest =>
  manifest(ofGroup(objectiveResources, group), { name, namespace, ...metadata }, { poolRef })

export const clusterSpiffeId = (
  name: string,
  metadata: JsonObject = {},
  spec: JsonObject = { spiffeIDTemplate: 'spiffe://example.org/someone/else' },
): Manifest => manifest(clusterSpiffeIdResource, { name, ...metadata }, spec)

function manifest(
  { group, version, kind }: Resource,
  { name, ...metadata }: { readonly name: string } & JsonObject,
  spec: JsonObject,
): Manifest {
  return {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name, ...defined(metadata) },
    spec: defined(spec),
  }
}

const defined = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))

function ofGroup(row: readonly Resource[], group: string | undefined): Resource {
  const found = row.find((resource) => group === undefined || resource.group === group)
  if (!found) throw new Error(`no such kind in ${group}`)
  return found
}

export const upserted = (object: Manifest): Change => ({
  kind: 'upserted',
  resource: resourceOf(object),
  object,
})

export const removed = (object: Manifest): Change => ({
  kind: 'removed',
  resource: resourceOf(object),
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name,
})

/** An inventory in which everything is served, unless it is said what is. */
export function inventoryOf(
  objects: readonly Manifest[],
  {
    served = optionalResources,
    unread = [],
    ...rest
  }: Partial<Settings> & { readonly served?: readonly Resource[]; readonly unread?: readonly Unread[] } = {},
): Inventory {
  const inventory = new Inventory({ ...settings, ...rest })
  for (const resource of served) inventory.apply({ kind: 'served', resource, served: true })
  for (const { resource, versions } of unread)
    inventory.apply({ kind: 'served', resource, served: false, otherVersions: versions })
  for (const object of objects) inventory.apply(upserted(object))
  return inventory
}

/** A binding as the inventory has it. Throws if the inventory lacks the binding, because the test is wrong then. */
export function bindingIn(
  inventory: Inventory,
  { metadata }: { readonly metadata: { readonly name: string; readonly namespace?: string } },
): Binding {
  const key = bindingKey(metadata.namespace ?? '', metadata.name)
  const there = inventory.binding(key)
  if (!there) throw new Error(`${key} is not in the inventory`)
  return there
}

export const evaluationOf = (
  one: Manifest,
  others: readonly Manifest[],
  options: Parameters<typeof inventoryOf>[1] = {},
): Evaluation => evaluate(decodeBinding(one), inventoryOf([...others, one], options))

/** The ClusterSPIFFEID of a binding that has nothing wrong with it. */
export function renderedFrom(one: Manifest, inventory: Inventory): ClusterSpiffeId {
  const there = bindingIn(inventory, one)
  const { identity } = evaluate(there, inventory)
  if (!identity) throw new Error(`${one.metadata.name} renders nothing`)
  return render(there, identity, inventory.settings)
}

export const reasonsOf = ({ findings }: Evaluation): readonly string[] =>
  findings.map(({ rule }) => rules[rule].reason)

/** A finding in one line: the reason, where, what kind of mistake, and the value. */
export const told = ({ rule, field, cause, value }: Finding): string =>
  `${rules[rule].reason} ${field} ${cause} ${JSON.stringify(value)}`

export const findingsOf = (
  one: Manifest,
  others: readonly Manifest[],
  served = optionalResources,
): readonly string[] => evaluationOf(one, others, { served }).findings.map(told)

/** What is served when the kinds whose names contain one of these are not. */
export const without = (...parts: readonly string[]): readonly Resource[] =>
  optionalResources.filter((resource) => !parts.some((part) => gvk(resource).includes(part)))

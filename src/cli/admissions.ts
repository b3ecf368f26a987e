/** The answers of an API server with the webhook to the objects of the input, one after the other. */
import { admit, isDenied, type Admission } from '../core/admit.ts'
import type { Change } from '../core/change.ts'
import type { Settings } from '../core/identity.ts'
import { Inventory } from '../core/inventory.ts'
import { isDns1123Label, isDns1123Subdomain } from '../core/names.ts'
import type { AdmissionActions } from '../core/reference-verdict.ts'
import type { Resource } from '../core/resources.ts'
import type { Unread } from '../core/unread.ts'
import { Leniency } from './leniency.ts'
import type { Item, Manifest } from './manifests.ts'
import { podAdviceOn, type PodsByNamespace } from './pods-seen.ts'
import { StoredBindings } from './stored.ts'

export type CheckInput = {
  readonly settings: Settings
  readonly served: readonly Resource[]
  readonly unread?: readonly Unread[]
  /** The objects of the cluster; empty without a cluster. */
  readonly cluster: readonly Manifest[]
  readonly items: readonly Item[]
  readonly actions: AdmissionActions
  /** Namespaces whose label in the cluster turns refusals into warnings. A Namespace among the items counts from where it stands. */
  readonly lenient: ReadonlySet<string>
  readonly pods: PodsByNamespace
  readonly now: Date
}

/** Whether an object of the input is refused. */
export const isRefused = (input: CheckInput): boolean => admitAll(input).admissions.some(isRefusedOne)

/** Whether an object of the input is refused if none of the others is applied, as in a dry run of each. */
export function isRefusedAlone(input: CheckInput): boolean {
  const world = inventoryOf(input, [])
  return admissionsOf(input, world, { isApplied: false }).some(isRefusedOne)
}

export const isRefusedOne = ({ item, admission }: Admitted): boolean =>
  item.causes.length > 0 || isDenied(admission)

export const manifestsOf = (items: readonly Item[]): readonly Manifest[] =>
  items.filter(isNamed).flatMap(({ manifest }) => manifest ?? [])

/** An object with an invalid name can't exist, so nothing else sees it. */
const isNamed = ({ namespace, name }: Item): boolean =>
  (namespace === '' || isDns1123Label(namespace)) && isDns1123Subdomain(name)

/** An object of the input and the answer to it. */
export type Admitted = {
  readonly item: Item
  readonly isNamed: boolean
  /** The object as it is stored if it is admitted; undefined if bindings do not depend on its kind. */
  readonly stored: Manifest | undefined
  readonly admission: Admission
}

type AdmittedAll = {
  /** The cluster with everything that was admitted. */
  readonly admitted: Inventory
  /** The admissions, one for each object, in the order of the input. */
  readonly admissions: readonly Admitted[]
}

/**
 * Admits the objects in order. An object that only its schema refuses counts as existing for the objects after it:
 * its author will mend it, and then the verdicts on the others are the ones that count.
 */
export function admitAll(input: CheckInput): AdmittedAll {
  const admitted = inventoryOf(input, [])
  return { admitted, admissions: admissionsOf(input, admitted, { isApplied: true }) }
}

/** The answers to the objects in order. Where `isApplied`, each that is admitted is added to the world. */
function admissionsOf(
  input: CheckInput,
  world: Inventory,
  { isApplied }: { readonly isApplied: boolean },
): readonly Admitted[] {
  const bindings = storedIn(input.cluster)
  const leniency = new Leniency(input.lenient)
  return input.items.flatMap((item): readonly Admitted[] => {
    if (item.labels) {
      leniency.apply(item)
      return []
    }
    const { manifest } = item
    const one = { item, isNamed: isNamed(item) }
    if (!manifest) return [{ ...one, stored: undefined, admission: { kind: 'unasked' } }]
    const stored = bindings.after(manifest)
    // What the API server refuses by itself is never looked at.
    const podAdvice = item.causes.length === 0 ? podAdviceOn(input.pods, world) : undefined
    const mayDeny = !leniency.holdsIn(item.namespace)
    const admission = admit(stored, world, input.actions, mayDeny, podAdvice)
    if (isApplied && one.isNamed && !isDenied(admission)) {
      world.apply(upserted(stored))
      bindings.store(stored)
    }
    return [{ ...one, stored, admission }]
  })
}

function storedIn(cluster: readonly Manifest[]): StoredBindings {
  const bindings = new StoredBindings()
  cluster.forEach((one) => bindings.store(one))
  return bindings
}

/** The inventory of a cluster that also has these manifests. */
export function inventoryOf(
  { settings, served, unread = [], cluster }: Pick<CheckInput, 'settings' | 'served' | 'unread' | 'cluster'>,
  manifests: readonly Manifest[],
): Inventory {
  const inventory = new Inventory(settings)
  for (const resource of served) inventory.apply({ kind: 'served', resource, served: true })
  for (const { resource, versions } of unread)
    inventory.apply({ kind: 'served', resource, served: false, otherVersions: versions })
  for (const one of cluster) inventory.apply(upserted(one))
  if (manifests.length === 0) return inventory
  const bindings = storedIn(cluster)
  for (const manifest of manifests) {
    const stored = bindings.after(manifest)
    inventory.apply(upserted(stored))
    bindings.store(stored)
  }
  return inventory
}

const upserted = ({ resource, object }: Manifest): Change => ({ kind: 'upserted', resource, object })

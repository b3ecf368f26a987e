import type { Binding, Reference } from '../core/binding.ts'
import { targetIn, setTarget } from '../core/consequences.ts'
import { field, objectOr } from '../core/json.ts'
import { isDns1123Subdomain } from '../core/names.ts'
import { objectiveResources, poolResources, type Resource } from '../core/resources.ts'
import type { LiveNamespace, ReadLive } from './live.ts'
import { inSlices } from './slices.ts'

/** Lists the objects of a kind in a namespace, in the order of their names. Throws when not all that is wanted could be read. */
export type ListLive = (
  resource: Resource,
  namespace: string,
  take: (object: unknown) => void,
  options?: ListOptions,
) => Promise<void>

type ListOptions = {
  /** Only this part of each object comes then, which takes the API server a third of the time. */
  readonly part?: 'metadata'
  /** Told after each page but the last how many objects are left, if that is known; answers whether they are wanted. */
  readonly wantsMore?: (left: number | undefined) => boolean
}

export type LiveReads = { readonly read: ReadLive; readonly list: ListLive }

/** Up to so many objects of a kind are read one by one. For more, the kind is listed in the whole namespace. */
const readAtMost = 8

/**
 * Reads the pools and objectives that bindings can be led to and that memory lacks. Returns whether there are any: the
 * stakes of the bindings are then to be worked out anew.
 */
export async function readMissing(
  bindings: readonly Binding[],
  live: LiveNamespace,
  namespace: string,
  reach: LiveReads,
  signal: AbortSignal,
): Promise<boolean> {
  const { world } = live
  const missing = await inSlices(missingFor(bindings, live, namespace), signal)
  const found = await Promise.all(
    missing.entries().map(async ([resource, names]) => {
      const objects = await readAll(resource, names, namespace, reach)
      for (const [name, object] of objects) setTarget(world, resource, namespace, name, object)
      return objects.values().some((object) => object !== undefined)
    }),
  )
  return found.includes(true)
}

function* missingFor(
  bindings: readonly Binding[],
  { world }: LiveNamespace,
  namespace: string,
): Generator<undefined, ReadonlyMap<Resource, ReadonlySet<string>>> {
  const asked = new Map<Resource, Set<string>>()
  const missing = new Map<Resource, Set<string>>()
  const note = (row: readonly Resource[], { name, group }: Reference): void => {
    if (typeof name !== 'string' || !isDns1123Subdomain(name)) return
    for (const resource of row) {
      if ((group !== undefined && group !== resource.group) || !world.isServed(resource)) continue
      if (!added(asked, resource, name) || world.speaksOfTarget(resource, name)) continue
      if (targetIn(world, resource, namespace, name) === undefined) added(missing, resource, name)
    }
  }
  for (const { spec } of bindings) {
    note(poolResources, spec.poolRef)
    if (spec.objectiveRef) note(objectiveResources, spec.objectiveRef)
    yield
  }
  return missing
}

/** Whether a name of this kind is new. */
function added(sets: Map<Resource, Set<string>>, resource: Resource, name: string): boolean {
  const names = sets.get(resource)
  if (names?.has(name)) return false
  if (names) names.add(name)
  else sets.set(resource, new Set([name]))
  return true
}

/** The named objects of a kind, as the API server has them; undefined for one that is not there. */
export async function readAll(
  resource: Resource,
  names: ReadonlySet<string>,
  namespace: string,
  { read, list }: LiveReads,
): Promise<ReadonlyMap<string, unknown>> {
  const objects = new Map<string, unknown>(names.keys().map((name) => [name, undefined]))
  if (names.size <= readAtMost) {
    await Promise.all(
      names.keys().map(async (name) => void objects.set(name, await read(resource, { namespace, name }))),
    )
    return objects
  }
  await list(resource, namespace, (object) => {
    const name = field(objectOr(objectOr(object)['metadata']), 'name')
    if (typeof name === 'string' && names.has(name)) objects.set(name, object)
  })
  return objects
}

import { isDeepStrictEqual } from 'node:util'
import { bindingKey, decodeBinding, type Binding, type Reference } from '../core/binding.ts'
import {
  judgeChange,
  referenceIn,
  setReference,
  type Consequence,
  type ReferenceChange,
} from '../core/consequences.ts'
import type { Inventory } from '../core/inventory.ts'
import { field, objectOr, textOr } from '../core/json.ts'
import { isDns1123Subdomain } from '../core/names.ts'
import { bindingResource, objectiveResources, poolResources, type Resource } from '../core/resources.ts'
import { LiveNamespace, type ReadLive } from './live.ts'
import { inSlices } from './slices.ts'

/**
 * Lists all objects of a kind in a namespace, or what of them is metadata, which takes the API server a third of the
 * time. Throws when there is no complete list.
 */
export type ListLive = (
  resource: Resource,
  namespace: string,
  take: (object: unknown) => void,
  part?: 'metadata',
) => Promise<void>

type Reach = { readonly inventory: Inventory; readonly read: ReadLive; readonly list: ListLive }

/** Objects of one kind that are read one by one; of more, all that the namespace has are listed. */
const readAtMost = 8

/**
 * Judges a change of a pool or an objective by its namespace as the API server has it: its bindings are listed, and what
 * memory lacks of them, of their pools and objectives is read. Memory alone would not do: a chart's objects come within
 * milliseconds, mostly to different replicas. But mostly it is right, so it is judged by while the list is on its way,
 * and once more only where the list tells of something else.
 *
 * @param oldObject the object before the change; undefined for one that is created
 */
export async function judgeLive(
  change: ReferenceChange,
  oldObject: unknown,
  reach: Reach,
  signal: AbortSignal,
): Promise<{ readonly live: LiveNamespace; readonly consequences: readonly Consequence[] }> {
  const { resource, namespace, name } = change
  const { inventory } = reach
  const live = new LiveNamespace(inventory, namespace, reach.read)
  const { world } = live
  // The API server asks about no kind that is not served.
  world.setServed(resource)
  setReference(world, resource, namespace, name, oldObject)
  const users = world.usersOf(resource, namespace, name)
  if (!isRemembered(change, live, inventory)) await inSlices(placing(live, users), signal)
  const judged = (): Promise<readonly Consequence[]> => inSlices(judgeChange(change, world), signal)
  const [guess, { names, others }, hasNews] = await Promise.all([
    judged(),
    listBindings(namespace, reach),
    readMissing(users, live, namespace, reach),
  ])
  const isAsRemembered = others.length === 0 && inventory.bindingsIn(namespace) === names.size
  if (!isAsRemembered) {
    world.setPresent(names)
    await readBindings(others, live, namespace, reach, signal)
  }
  const usersNow = world.usersOf(resource, namespace, name)
  if (usersNow.length === 0) return { live, consequences: [] }
  const near = nearTo(usersNow, names, live)
  const hasMoreNews = await readMissing(near, live, namespace, reach)
  if (isAsRemembered && !hasNews && !hasMoreNews) return { live, consequences: guess }
  await inSlices(placing(live, near), signal)
  return { live, consequences: await judged() }
}

/** Whether what bindings stand for in memory is by the object as it is before the change. */
const isRemembered = (
  { resource, namespace, name }: ReferenceChange,
  { world }: LiveNamespace,
  inventory: Inventory,
): boolean =>
  inventory.isServed(resource) &&
  isDeepStrictEqual(
    referenceIn(inventory, resource, namespace, name),
    referenceIn(world, resource, namespace, name),
  )

/** The names of a namespace's bindings: of all, and of those that memory has otherwise or lacks. */
async function listBindings(
  namespace: string,
  { inventory, list }: Reach,
): Promise<{ readonly names: ReadonlySet<string>; readonly others: readonly string[] }> {
  const names = new Set<string>()
  const others: string[] = []
  const take = (object: unknown): void => {
    const metadata = objectOr(objectOr(object)['metadata'])
    const name = textOr(field(metadata, 'name'), '')
    names.add(name)
    const known = inventory.binding(bindingKey(namespace, name))
    if (known === undefined || known.resourceVersion !== field(metadata, 'resourceVersion')) others.push(name)
  }
  await list(bindingResource, namespace, take, 'metadata')
  return { names, others }
}

async function readBindings(
  names: readonly string[],
  live: LiveNamespace,
  namespace: string,
  reach: Reach,
  signal: AbortSignal,
): Promise<void> {
  const bindings: Binding[] = []
  for (const [name, object] of await readAll(bindingResource, new Set(names), namespace, reach)) {
    if (object === undefined) live.world.removeBinding(name)
    else bindings.push(decodeBinding(object))
  }
  await inSlices(placing(live, bindings), signal)
}

function* placing({ world }: LiveNamespace, bindings: readonly Binding[]): Generator<undefined, void> {
  for (const binding of bindings) {
    world.setBinding(binding)
    yield
  }
}

/** The users of an object, and whoever asks for a container that one of them asks for. */
function nearTo(
  users: readonly Binding[],
  names: ReadonlySet<string>,
  live: LiveNamespace,
): readonly Binding[] {
  const containers = new Set(users.map(containerOf))
  const isUser = new Set(users.map(({ name }) => name))
  return [...names].flatMap((name) => {
    const binding = live.binding(name)
    const isNear = binding && !binding.deleting && (isUser.has(name) || containers.has(containerOf(binding)))
    return isNear ? [binding] : []
  })
}

const containerOf = ({ spec }: Binding): string =>
  JSON.stringify([spec.mode, spec.serviceAccountName, spec.containerName])

/**
 * Reads the pools and objectives that bindings can be led to and that memory lacks. Returns whether there are any: what
 * the bindings stand for is then to be worked out anew.
 */
async function readMissing(
  bindings: readonly Binding[],
  { world }: LiveNamespace,
  namespace: string,
  reach: Reach,
): Promise<boolean> {
  const missing = new Map<Resource, Set<string>>()
  const note = (row: readonly Resource[], { name, group }: Reference): void => {
    if (typeof name !== 'string' || !isDns1123Subdomain(name)) return
    for (const resource of row) {
      const isAsked = (group === undefined || group === resource.group) && world.isServed(resource)
      if (!isAsked || world.speaksOfReference(resource, name)) continue
      if (referenceIn(world, resource, namespace, name) !== undefined) continue
      missing.set(resource, (missing.get(resource) ?? new Set()).add(name))
    }
  }
  for (const { spec } of bindings) {
    note(poolResources, spec.poolRef)
    if (spec.objectiveRef) note(objectiveResources, spec.objectiveRef)
  }
  const found = await Promise.all(
    missing.entries().map(async ([resource, names]) => {
      const objects = await readAll(resource, names, namespace, reach)
      for (const [name, object] of objects) setReference(world, resource, namespace, name, object)
      return objects.values().some((object) => object !== undefined)
    }),
  )
  return found.includes(true)
}

/** The named objects of a kind, as the API server has them; undefined for one that is not there. */
async function readAll(
  resource: Resource,
  names: ReadonlySet<string>,
  namespace: string,
  { read, list }: Reach,
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

import { bindingKey, decodeBinding, type Binding } from '../core/binding.ts'
import { setReference, type ReferenceChange } from '../core/consequences.ts'
import type { Inventory } from '../core/inventory.ts'
import { field, objectOr, textOr } from '../core/json.ts'
import { isDns1123Subdomain } from '../core/names.ts'
import { bindingResource, objectiveResources, poolResources, type Resource } from '../core/resources.ts'
import { LiveNamespace, type ReadLive } from './live.ts'
import { inSlices } from './slices.ts'

/** Lists all objects of a kind in a namespace. Throws when there is no complete list. */
export type ListLive = (
  resource: Resource,
  namespace: string,
  take: (object: unknown) => void,
) => Promise<void>

type Reach = { readonly inventory: Inventory; readonly read: ReadLive; readonly list: ListLive }

/** Objects of one kind that are read one by one; of more, all that the namespace has are listed. */
const readAtMost = 8

/**
 * A namespace before a change of a pool or an objective, as the API server has it: its bindings listed, and what
 * memory lacks of their pools and objectives read. Memory alone would not do: a chart's objects come within
 * milliseconds, mostly to different replicas.
 *
 * @param oldObject the object before the change; undefined for one that is created
 */
export async function freshNamespace(
  { resource, namespace, name }: ReferenceChange,
  oldObject: unknown,
  reach: Reach,
  signal: AbortSignal,
): Promise<LiveNamespace> {
  const live = new LiveNamespace(reach.inventory, namespace, reach.read)
  const { world } = live
  const { names, unknown } = await listBindings(namespace, reach)
  world.setPresent(names)
  if (names.size === 0) return live
  // The API server asks about no kind that is not served.
  world.setServed(resource)
  setReference(world, resource, namespace, name, oldObject)
  await inSlices(placing(live, unknown), signal)
  const users = world.usersOf(resource, namespace, name)
  if (users.length === 0) return live
  const near = nearTo(users, names, live)
  await readMissing(near, namespace, live, reach)
  await inSlices(placing(live, near), signal)
  return live
}

/** The bindings of a namespace: the names of all, and those that memory has not seen as they are. */
async function listBindings(
  namespace: string,
  { inventory, list }: Reach,
): Promise<{ readonly names: ReadonlySet<string>; readonly unknown: readonly Binding[] }> {
  const names = new Set<string>()
  const unknown: Binding[] = []
  await list(bindingResource, namespace, (object) => {
    const metadata = objectOr(objectOr(object)['metadata'])
    const name = textOr(field(metadata, 'name'), '')
    names.add(name)
    const known = inventory.binding(bindingKey(namespace, name))
    if (known === undefined || known.resourceVersion !== field(metadata, 'resourceVersion'))
      unknown.push(decodeBinding(object))
  })
  return { names, unknown }
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

/** Reads the pools and objectives that bindings refer to and that memory lacks. */
async function readMissing(
  bindings: readonly Binding[],
  namespace: string,
  { world }: LiveNamespace,
  { read, list }: Reach,
): Promise<void> {
  const missing = new Map<Resource, Set<string>>()
  const note = (resource: Resource, name: unknown, isKnown: (name: string) => boolean): void => {
    if (typeof name !== 'string' || !isDns1123Subdomain(name) || !world.isServed(resource)) return
    if (world.speaksOfReference(resource, name) || isKnown(name)) return
    missing.getOrInsertComputed(resource, () => new Set()).add(name)
  }
  for (const { spec } of bindings) {
    for (const pool of poolResources)
      note(pool, spec.poolRef.name, (name) => world.pool(pool, namespace, name) !== undefined)
    for (const objective of objectiveResources)
      note(
        objective,
        spec.objectiveRef?.name,
        (name) => world.objective(objective, namespace, name) !== undefined,
      )
  }
  const found = (resource: Resource, name: string, object: unknown): void =>
    setReference(world, resource, namespace, name, object)
  await Promise.all(
    [...missing].flatMap(([resource, names]) =>
      names.size > readAtMost
        ? [
            list(resource, namespace, (object) => {
              const name = field(objectOr(objectOr(object)['metadata']), 'name')
              if (typeof name === 'string' && names.has(name)) found(resource, name, object)
            }),
          ]
        : [...names].map(async (name) => found(resource, name, await read(resource, { namespace, name }))),
    ),
  )
}

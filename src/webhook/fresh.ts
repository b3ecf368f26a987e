import { isDeepStrictEqual } from 'node:util'
import { decodeBinding, type Binding } from '../core/binding.ts'
import {
  judgeChange,
  targetIn,
  setTarget,
  type Consequence,
  type ReferenceChange,
} from '../core/consequences.ts'
import type { Inventory } from '../core/inventory.ts'
import { field, objectOr, textOr } from '../core/json.ts'
import { bindingResource } from '../core/resources.ts'
import { LiveNamespace } from './live.ts'
import { readAll, readMissing, type LiveReads } from './missing.ts'
import { inSlices } from './slices.ts'

type Reach = LiveReads & { readonly inventory: Inventory }

/**
 * Judges a change of a pool or an objective by its namespace as the API server has it: its bindings are listed, and what
 * memory lacks of them, of their pools and objectives is read. Memory alone would not do: a chart's objects come within
 * milliseconds, mostly to different replicas. Memory is mostly right, though: the change is judged by memory while the list
 * is on its way, and judged once more only where the list shows something else.
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
  setTarget(world, resource, namespace, name, oldObject)
  const revision = inventory.revisionOf(namespace)
  const remembered = world.usersOf(resource, namespace, name)
  if (!isRemembered(change, live, inventory)) await inSlices(placing(live, remembered), signal)
  const judged = (): Promise<readonly Consequence[]> => inSlices(judgeChange(change, world), signal)
  const [guess, listed, hasNews] = await Promise.all([
    judged(),
    listBindings(namespace, live, reach),
    readMissing(remembered, live, namespace, reach, signal),
  ])
  // The guess holds only if memory had every listed binding at the listed version, before the list and after: what a watch
  // brought meanwhile is in the list, too, and was not judged.
  const isAsListed =
    listed.unknown.length === 0 &&
    inventory.bindingsIn(namespace) === listed.names.size &&
    inventory.revisionOf(namespace) === revision &&
    inventory.isWorkedOut(namespace)
  if (!isAsListed) {
    world.setPresent(listed.names)
    await readBindings(listed.unknown, live, namespace, reach, signal)
  }
  const users = world.usersOf(resource, namespace, name)
  if (users.length === 0) return { live, consequences: [] }
  const rivals = rivalsOf(users, listed.names, live)
  // What the remembered users refer to was read beside the list.
  const unread = isAsListed ? rivals : [...users, ...rivals]
  const hasMoreNews = await readMissing(unread, live, namespace, reach, signal)
  if (isAsListed && !hasNews && !hasMoreNews) return { live, consequences: guess }
  await inSlices(placing(live, [...users, ...rivals]), signal)
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
    targetIn(inventory, resource, namespace, name),
    targetIn(world, resource, namespace, name),
  )

/** The names of all bindings of a namespace, and of those that memory lacks or has at another version. */
async function listBindings(
  namespace: string,
  live: LiveNamespace,
  { list }: Reach,
): Promise<{ readonly names: ReadonlySet<string>; readonly unknown: readonly string[] }> {
  const names = new Set<string>()
  const unknown: string[] = []
  const take = (object: unknown): void => {
    const metadata = objectOr(objectOr(object)['metadata'])
    const name = textOr(field(metadata, 'name'), '')
    names.add(name)
    const known = live.binding(name)
    if (known === undefined || known.resourceVersion !== field(metadata, 'resourceVersion'))
      unknown.push(name)
  }
  await list(bindingResource, namespace, take, 'metadata')
  return { names, unknown }
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

/** The other bindings of the namespace that ask for a container that one of these users asks for. */
function rivalsOf(
  users: readonly Binding[],
  names: ReadonlySet<string>,
  live: LiveNamespace,
): readonly Binding[] {
  const others = names.difference(new Set(users.map(({ name }) => name)))
  if (others.size === 0) return []
  const containers = new Set(users.map(containerOf))
  return [...others].flatMap((name) => {
    const binding = live.binding(name)
    return binding && !binding.deleting && containers.has(containerOf(binding)) ? [binding] : []
  })
}

const containerOf = ({ spec }: Binding): string =>
  JSON.stringify([spec.mode, spec.serviceAccountName, spec.containerName])

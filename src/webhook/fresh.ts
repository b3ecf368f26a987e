import { isDeepStrictEqual } from 'node:util'
import { decodeBinding, type Binding } from '../core/binding.ts'
import {
  judgeChange,
  targetIn,
  setTarget,
  type Consequence,
  type ReferenceChange,
} from '../core/consequences.ts'
import type { Action } from '../core/findings.ts'
import type { Inventory } from '../core/inventory.ts'
import { bindingResource } from '../core/resources.ts'
import { nameAtMost } from '../core/show.ts'
import { canHarmNobody, isEnough } from './enough.ts'
import { ListedBindings } from './listed.ts'
import { LiveNamespace } from './live.ts'
import { readAll, readMissing, type LiveReads } from './missing.ts'
import { inSlices } from './slices.ts'

type Reach = LiveReads & {
  readonly inventory: Inventory
  readonly actionOn: (consequence: Consequence) => Action
}

/**
 * Judges a change of a pool or an objective by its namespace as the API server has it: its bindings are listed, and what
 * memory lacks of them, of their pools and objectives is read. Memory alone would not do: a chart's objects come within
 * milliseconds, mostly to different replicas. Memory is mostly right, though: the change is judged by memory while the list
 * is on its way, and judged once more only where the list shows something else. The rest of a long list is not waited for
 * where it can't change the answer.
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
  const listed = new ListedBindings(namespace, live, reach.list)
  const [guess, hasNews, isHarmless] = await Promise.all([
    inSlices(judgeChange(change, world), signal),
    readMissing(remembered, live, namespace, reach, signal),
    listed.firstPage.then(
      (left = 0) =>
        left > 0 &&
        remembered.length >= nameAtMost &&
        canHarmNobody(change, oldObject, inventory, reach.list),
    ),
  ])
  // The guess holds only if memory had every listed binding at the listed version, before the list and after: what a watch
  // brought meanwhile is in the list, too, and was not judged.
  const isAsListed = (): boolean =>
    listed.unknown.length === 0 &&
    inventory.bindingsIn(namespace) === listed.size &&
    inventory.revisionOf(namespace) === revision &&
    inventory.isWorkedOut(namespace)
  if (!hasNews && isAsListed() && isEnough(guess, listed, isHarmless, reach.actionOn)) {
    listed.stop()
    return { live, consequences: guess }
  }
  await listed.end
  const known = isAsListed() ? { guess, hasNews } : undefined
  return { live, consequences: await judgeListed(change, listed, live, known, reach, signal) }
}

/** @param known the judgement by memory, where memory is as the list, and whether what it lacks of pools and objectives was found */
async function judgeListed(
  change: ReferenceChange,
  listed: ListedBindings,
  live: LiveNamespace,
  known: { readonly guess: readonly Consequence[]; readonly hasNews: boolean } | undefined,
  reach: Reach,
  signal: AbortSignal,
): Promise<readonly Consequence[]> {
  const { resource, namespace, name } = change
  const { world } = live
  if (!known) {
    world.setPresent(listed.names)
    await readBindings(listed.unknown, live, namespace, reach, signal)
  }
  const users = world.usersOf(resource, namespace, name)
  if (users.length === 0) return []
  const rivals = rivalsOf(users, listed.names, live)
  // What the remembered users refer to was read beside the list.
  const unread = known ? rivals : [...users, ...rivals]
  const hasMoreNews = await readMissing(unread, live, namespace, reach, signal)
  if (known && !known.hasNews && !hasMoreNews) return known.guess
  await inSlices(placing(live, [...users, ...rivals]), signal)
  return inSlices(judgeChange(change, world), signal)
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

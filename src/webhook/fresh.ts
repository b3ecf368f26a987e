import { isDeepStrictEqual } from 'node:util'
import { decodeBinding, type Binding } from '../core/binding.ts'
import { nameOf, specOf } from '../core/change.ts'
import {
  judgeChange,
  targetIn,
  setTarget,
  type Consequence,
  type ReferenceChange,
} from '../core/consequences.ts'
import type { Inventory } from '../core/inventory.ts'
import { sameJson } from '../core/json.ts'
import { decodePool } from '../core/references.ts'
import { bindingResource, poolResources } from '../core/resources.ts'
import { nameAtMost } from '../core/show.ts'
import { ListedBindings } from './listed.ts'
import { LiveNamespace } from './live.ts'
import { readAll, readMissing, type LiveReads } from './missing.ts'
import { inSlices } from './slices.ts'

type Reach = LiveReads & {
  readonly inventory: Inventory
  /** Whether a change that has this consequence is refused. */
  readonly isRefused: (consequence: Consequence) => boolean
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
  const judged = (): Promise<readonly Consequence[]> => inSlices(judgeChange(change, world), signal)
  const listed = new ListedBindings(namespace, live, reach.list)
  const [guess, hasNews, isHarmless] = await Promise.all([
    judged(),
    readMissing(remembered, live, namespace, reach, signal),
    listed.firstPage.then(
      (left) => left !== 0 && remembered.length >= nameAtMost && canHarmNobody(change, oldObject, reach),
    ),
  ])
  // The guess holds only if memory had every listed binding at the listed version, before the list and after: what a watch
  // brought meanwhile is in the list, too, and was not judged.
  const isAsListed = (): boolean =>
    listed.unknown.length === 0 &&
    inventory.bindingsIn(namespace) === listed.size &&
    inventory.revisionOf(namespace) === revision &&
    inventory.isWorkedOut(namespace)
  if (!hasNews && isAsListed() && saysAll(guess, listed, isHarmless, reach)) {
    listed.stop()
    return { live, consequences: guess }
  }
  await listed.end
  const isGuessRight = isAsListed()
  if (!isGuessRight) {
    world.setPresent(listed.names)
    await readBindings(listed.unknown, live, namespace, reach, signal)
  }
  const users = world.usersOf(resource, namespace, name)
  if (users.length === 0) return { live, consequences: [] }
  const rivals = rivalsOf(users, listed.names, live)
  // What the remembered users refer to was read beside the list.
  const unread = isGuessRight ? rivals : [...users, ...rivals]
  const hasMoreNews = await readMissing(unread, live, namespace, reach, signal)
  if (isGuessRight && !hasNews && !hasMoreNews) return { live, consequences: guess }
  await inSlices(placing(live, [...users, ...rivals]), signal)
  return { live, consequences: await judged() }
}

/**
 * Whether an answer by this guess names as many bindings as an answer may, all of them listed, so that the bindings that are not
 * listed yet could only change how many more it counts. A change that would be allowed must be harmless whoever they are.
 */
function saysAll(
  guess: readonly Consequence[],
  { names }: ListedBindings,
  isHarmless: boolean,
  { isRefused }: Reach,
): boolean {
  const refusals = guess.filter(isRefused)
  const others = guess.filter((one) => !isRefused(one))
  if (refusals.length === 0 && !isHarmless) return false
  return [refusals, others].every((some) => {
    const named = some.slice(0, nameAtMost)
    const isFull = named.length === 0 || named.length === nameAtMost
    return isFull && named.every(({ binding }) => names.has(binding.name))
  })
}

/**
 * Whether a change of a pool can bring no binding a failure for which it would be refused, whichever bindings there are: both
 * selectors are usable and no other pool has the new one, so that bindings which can come to share a container use this
 * pool, and shared it before.
 */
async function canHarmNobody(
  { resource, namespace, name, object }: ReferenceChange,
  oldObject: unknown,
  { inventory, list }: Reach,
): Promise<boolean> {
  if (resource.kind !== 'InferencePool' || oldObject === undefined) return false
  const [before, after] = [oldObject, object].map((one) => decodePool(specOf(one)).selector)
  if (before?.kind !== 'labels' || after?.kind !== 'labels') return false
  let isAlone = true
  const kinds = poolResources.filter((kind) => kind === resource || inventory.isServed(kind))
  await Promise.all(
    kinds.map((kind) =>
      list(kind, namespace, (other) => {
        const { selector } = decodePool(specOf(other))
        const isSame = selector.kind === 'labels' && sameJson(selector.pods.pairs, after.pods.pairs)
        if (isSame && !(kind === resource && nameOf(other).name === name)) isAlone = false
      }),
    ),
  )
  return isAlone
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

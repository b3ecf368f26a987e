import { bindingKey, type Binding } from './binding.ts'
import { evaluate, identityOf } from './evaluate.ts'
import type { World } from './facts.ts'
import type { Finding } from './findings.ts'
import type { Inventory } from './inventory.ts'
import { field, objectOr } from './json.ts'
import { decodeObjective, decodePool } from './references.ts'
import type { Resource } from './resources.ts'

/** A pool or an objective as it is about to be; undefined when it is about to go. */
export type Prospect = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly object: unknown
}

export type Loss = { readonly binding: Binding; readonly finding: Finding }

/**
 * The bindings that have an identity now and would not have one if a pool or an objective became this, each with
 * the first reason why. One that does not use it can lose by a collision with one that does.
 */
export function lossesBy(prospect: Prospect, inventory: Inventory): readonly Loss[] {
  const { resource, namespace, name } = prospect
  const users = inventory.usersOf(resource, namespace, name).filter(({ deleting }) => !deleting)
  const { world, keys } = foresee(prospect, users, inventory)
  const peers = keys.flatMap((key) => [...inventory.holders(key)])
  const concerned = new Set([
    ...users,
    ...peers.flatMap((peer) => inventory.binding(bindingKey(namespace, peer)) ?? []),
  ])
  return [...concerned]
    .filter((binding) => evaluate(binding, inventory).findings.length === 0)
    .flatMap((binding) => {
      const [finding] = evaluate(binding, world).findings
      return finding ? [{ binding, finding }] : []
    })
}

/** The world after the change, and the collision keys that the users then have. Only theirs can change with it. */
function foresee(
  { resource, namespace, name, object }: Prospect,
  users: readonly Binding[],
  now: Inventory,
): { readonly world: World; readonly keys: readonly string[] } {
  const spec = field(objectOr(object), 'spec')
  const isIt = (other: Resource, itsNamespace: string, itsName: string): boolean =>
    other === resource && itsNamespace === namespace && itsName === name
  const world = {
    settings: now.settings,
    neighbours: now.neighbours,
    isServed: (other: Resource) => now.isServed(other),
    pool: (...at: Parameters<World['pool']>) =>
      isIt(...at) ? (object === undefined ? undefined : decodePool(spec)) : now.pool(...at),
    objective: (...at: Parameters<World['objective']>) =>
      isIt(...at)
        ? object === undefined
          ? undefined
          : decodeObjective(spec, namespace)
        : now.objective(...at),
    holders: (key: string) => now.holders(key),
  }
  const names = new Set(users.map((binding) => binding.name))
  const keys = Map.groupBy(users, (binding) => identityOf(binding, world)?.collisionKey)
  return {
    keys: [...keys.keys()].filter((key) => key !== undefined),
    world: {
      ...world,
      holders: (key) => [
        ...Iterator.from(now.holders(key)).filter((holder) => !names.has(holder)),
        ...(keys.get(key) ?? []).map((binding) => binding.name),
      ],
    },
  }
}
